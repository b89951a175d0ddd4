//! Summaries: pages of what was printed go in, a report comes out.

use std::sync::Arc;

use bytes::Bytes;
use weir_plugin::{Channel, FaultKind, Hook, RetainedOutput};

use super::support::Host;

struct Printed(Bytes);

impl RetainedOutput for Printed {
    fn channels(&self) -> Vec<Channel> {
        vec![Channel::Stdout, Channel::Stderr]
    }
    fn size(&self, channel: Channel) -> u64 {
        if channel == Channel::Stdout { self.0.len() as u64 } else { 0 }
    }
    fn read(&self, _: Channel, offset: u64, _: u32) -> Bytes {
        // More than was asked for: the host cuts it.
        self.0.slice(offset as usize..)
    }
    fn gaps(&self, _: Channel) -> Vec<(u64, u64)> {
        vec![(7, 9)]
    }
    fn exit_code(&self) -> Option<i32> {
        Some(3)
    }
    fn argv(&self) -> Vec<String> {
        vec!["make".into(), "all".into()]
    }
    fn cwd(&self) -> String {
        "/src".into()
    }
}

#[tokio::test]
async fn a_summary_reads_in_pages_and_reports() {
    let host = Host::new();
    let count = host.fixture("count", "{}").await;
    let printed = Bytes::from("line\n".repeat(12_345));
    let report = count.summarize(Arc::new(Printed(printed)), "{}".into()).await.unwrap().unwrap();
    assert_eq!(
        report.text,
        "# make all in /src\n# Channel::Stdout: 61725 bytes, 12345 lines, 1 gaps\n# Channel::Stderr: 0 bytes, 0 lines, 1 gaps\n"
    );
    assert_eq!(report.diagnostics[0].at, Some((Channel::Stdout, 0)));
    assert_eq!(report.notes, [("exit".to_owned(), "Some(3)".to_owned())]);
}

#[tokio::test]
async fn output_that_a_summary_does_not_know_has_no_report() {
    let host = Host::new();
    let count = host.fixture("count", "{}").await;
    let none = count.summarize(Arc::new(Printed(Bytes::new())), r#"{"unknown": true}"#.into()).await;
    assert_eq!(none.unwrap(), None);
    let fault = count.summarize(Arc::new(Printed(Bytes::new())), "nonsense".into()).await.unwrap_err();
    assert_eq!((fault.kind, fault.hook), (FaultKind::Failure, Hook::Summarize));
}

#[tokio::test]
async fn a_plugin_that_is_no_summary_says_so() {
    let host = Host::new();
    let upper = host.fixture("upper", "{}").await;
    let fault = upper.summarize(Arc::new(Printed(Bytes::new())), "{}".into()).await.unwrap_err();
    assert_eq!(fault.kind, FaultKind::Protocol);
    assert_eq!(upper.figures().faults, 0, "the caller's mistake is not the plugin's fault");
}
