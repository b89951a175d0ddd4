//! What guests can call: `weir:plugin/host`, and WASI with nothing inside.

use wasmtime::component::{HasSelf, Linker, Resource};
use wasmtime_wasi::cli::{WasiCli, WasiCliView};
use wasmtime_wasi::filesystem::{WasiFilesystem, WasiFilesystemView};
use wasmtime_wasi::p2::bindings as wasi;
use wasmtime_wasi::random::{WasiRandom, WasiRandomView};

use super::state::{GuestState, Lent};
use crate::bindings::weir::plugin::host::{
    self, Host, HostInvocation, HostRetained, HostStreamContext, Invocation, Retained, StreamContext,
};
use crate::bindings::weir::plugin::types;
use crate::engine::Level;
use crate::fault::FaultKind;
use crate::filter::StreamFacts;
use crate::masks::{MASK_MAX, MASK_MIN};
use crate::summary::RetainedOutput;

/// What `retained.read` gives at once.
const READ_MAX: u32 = 1 << 20;

type Pairs = Vec<(String, String)>;

/// Everything that a plugin may import. Sockets and HTTP are not there, whatever is configured.
pub(crate) fn linker(engine: &wasmtime::Engine) -> wasmtime::Result<Linker<GuestState>> {
    let mut linker = Linker::new(engine);
    let l = &mut linker;
    // io, clocks, standard streams, random numbers.
    wasmtime_wasi::p2::add_to_linker_proxy_interfaces_async(l)?;
    wasi::cli::environment::add_to_linker::<_, WasiCli>(l, GuestState::cli)?;
    wasi::cli::exit::add_to_linker::<_, WasiCli>(l, GuestState::cli)?;
    wasi::cli::terminal_input::add_to_linker::<_, WasiCli>(l, GuestState::cli)?;
    wasi::cli::terminal_output::add_to_linker::<_, WasiCli>(l, GuestState::cli)?;
    wasi::cli::terminal_stdin::add_to_linker::<_, WasiCli>(l, GuestState::cli)?;
    wasi::cli::terminal_stdout::add_to_linker::<_, WasiCli>(l, GuestState::cli)?;
    wasi::cli::terminal_stderr::add_to_linker::<_, WasiCli>(l, GuestState::cli)?;
    wasi::filesystem::types::add_to_linker::<_, WasiFilesystem>(l, GuestState::filesystem)?;
    wasi::filesystem::preopens::add_to_linker::<_, WasiFilesystem>(l, GuestState::filesystem)?;
    wasi::random::insecure::add_to_linker::<_, WasiRandom>(l, GuestState::random)?;
    wasi::random::insecure_seed::add_to_linker::<_, WasiRandom>(l, GuestState::random)?;
    types::add_to_linker::<_, HasSelf<GuestState>>(l, |state| state)?;
    host::add_to_linker::<_, HasSelf<GuestState>>(l, |state| state)?;
    Ok(linker)
}

impl GuestState {
    fn invocation(&self) -> wasmtime::Result<&crate::policy::Invocation> {
        match &self.lent {
            Lent::Invocation(invocation) => Ok(invocation),
            _ => Err(wasmtime::format_err!("no invocation is lent in this call")),
        }
    }

    fn stream(&self) -> wasmtime::Result<&StreamFacts> {
        match &self.lent {
            Lent::Stream(facts) => Ok(facts),
            _ => Err(wasmtime::format_err!("no stream context is lent in this call")),
        }
    }

    fn retained(&self) -> wasmtime::Result<&dyn RetainedOutput> {
        match &self.lent {
            Lent::Retained(output) => Ok(&**output),
            _ => Err(wasmtime::format_err!("no retained output is lent in this call")),
        }
    }
}

impl types::Host for GuestState {}

impl Host for GuestState {
    fn log(&mut self, level: host::Level, message: String) -> wasmtime::Result<()> {
        let level = match level {
            host::Level::Trace => Level::Trace,
            host::Level::Debug => Level::Debug,
            host::Level::Info => Level::Info,
            host::Level::Warn => Level::Warn,
            host::Level::Error => Level::Error,
        };
        self.log.write(level, &message);
        Ok(())
    }

    fn salt(&mut self) -> wasmtime::Result<u64> {
        Ok(self.account.engine.shared().salt)
    }

    fn masked(&mut self, mask: String, kind: String) -> wasmtime::Result<()> {
        if !(MASK_MIN..=MASK_MAX).contains(&mask.len()) || kind.len() > MASK_MAX {
            let seen = mask.len();
            let message = format!("`masked`: expected a mask of {MASK_MIN} to {MASK_MAX} bytes, saw {seen}");
            self.blame = Some((FaultKind::Protocol, message.clone()));
            return Err(wasmtime::format_err!("{message}"));
        }
        self.account.figures.masked();
        self.account.engine.shared().masks.add(mask, kind);
        Ok(())
    }
}

impl HostInvocation for GuestState {
    fn session(&mut self, _: Resource<Invocation>) -> wasmtime::Result<String> {
        Ok(self.invocation()?.context.session.clone())
    }

    fn client(&mut self, _: Resource<Invocation>) -> wasmtime::Result<String> {
        Ok(self.invocation()?.context.client.clone())
    }

    fn interactive(&mut self, _: Resource<Invocation>) -> wasmtime::Result<bool> {
        Ok(self.invocation()?.context.interactive)
    }

    fn tty(&mut self, _: Resource<Invocation>) -> wasmtime::Result<bool> {
        Ok(self.invocation()?.context.tty)
    }

    fn final_pass(&mut self, _: Resource<Invocation>) -> wasmtime::Result<bool> {
        Ok(self.invocation()?.final_pass)
    }

    fn env(&mut self, _: Resource<Invocation>) -> wasmtime::Result<Pairs> {
        Ok(self.account.granted(&self.invocation()?.facts.env))
    }

    fn program(&mut self, _: Resource<Invocation>) -> wasmtime::Result<Option<String>> {
        Ok(self.invocation()?.facts.program.clone())
    }

    fn script(&mut self, _: Resource<Invocation>) -> wasmtime::Result<host::Script> {
        Ok(self.invocation()?.facts.script.to_wit())
    }

    fn metadata(&mut self, _: Resource<Invocation>, name: String) -> wasmtime::Result<Option<String>> {
        Ok(find(&self.invocation()?.context.metadata, &name))
    }

    fn drop(&mut self, _: Resource<Invocation>) -> wasmtime::Result<()> {
        Ok(())
    }
}

impl HostStreamContext for GuestState {
    fn process_id(&mut self, _: Resource<StreamContext>) -> wasmtime::Result<String> {
        Ok(self.stream()?.process_id.clone())
    }

    fn channel(&mut self, _: Resource<StreamContext>) -> wasmtime::Result<types::Channel> {
        Ok(self.stream()?.channel.to_wit())
    }

    fn argv(&mut self, _: Resource<StreamContext>) -> wasmtime::Result<Vec<String>> {
        Ok(self.stream()?.argv.clone())
    }

    fn cwd(&mut self, _: Resource<StreamContext>) -> wasmtime::Result<String> {
        Ok(self.stream()?.cwd.clone())
    }

    fn env(&mut self, _: Resource<StreamContext>) -> wasmtime::Result<Pairs> {
        Ok(self.account.granted(&self.stream()?.env))
    }

    fn view(&mut self, _: Resource<StreamContext>) -> wasmtime::Result<bool> {
        Ok(self.stream()?.view)
    }

    fn metadata(&mut self, _: Resource<StreamContext>, name: String) -> wasmtime::Result<Option<String>> {
        Ok(find(&self.stream()?.metadata, &name))
    }

    fn drop(&mut self, _: Resource<StreamContext>) -> wasmtime::Result<()> {
        Ok(())
    }
}

impl HostRetained for GuestState {
    fn channels(&mut self, _: Resource<Retained>) -> wasmtime::Result<Vec<types::Channel>> {
        Ok(self.retained()?.channels().into_iter().map(crate::filter::Channel::to_wit).collect())
    }

    fn size(&mut self, _: Resource<Retained>, channel: types::Channel) -> wasmtime::Result<u64> {
        Ok(self.retained()?.size(channel.into()))
    }

    fn read(
        &mut self,
        _: Resource<Retained>,
        channel: types::Channel,
        offset: u64,
        max: u32,
    ) -> wasmtime::Result<Vec<u8>> {
        let max = max.min(READ_MAX);
        let mut bytes = self.retained()?.read(channel.into(), offset, max);
        bytes.truncate(max as usize);
        Ok(bytes.into())
    }

    fn gaps(&mut self, _: Resource<Retained>, channel: types::Channel) -> wasmtime::Result<Vec<(u64, u64)>> {
        Ok(self.retained()?.gaps(channel.into()))
    }

    fn exit_code(&mut self, _: Resource<Retained>) -> wasmtime::Result<Option<i32>> {
        Ok(self.retained()?.exit_code())
    }

    fn argv(&mut self, _: Resource<Retained>) -> wasmtime::Result<Vec<String>> {
        Ok(self.retained()?.argv())
    }

    fn cwd(&mut self, _: Resource<Retained>) -> wasmtime::Result<String> {
        Ok(self.retained()?.cwd())
    }

    fn drop(&mut self, _: Resource<Retained>) -> wasmtime::Result<()> {
        Ok(())
    }
}

/// The first of this name.
fn find(pairs: &[(String, String)], name: &str) -> Option<String> {
    pairs.iter().find(|(known, _)| known == name).map(|(_, value)| value.clone())
}
