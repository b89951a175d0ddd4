//! From typed messages to JSON-RPC.

use crate::{ClientRequest, ErrorObject, Event, Reply, RequestId, json};

/// Appends a response. Without an id, which only an error can be, the id is null.
pub fn encode_response(out: &mut Vec<u8>, id: Option<&RequestId>, outcome: &Result<Reply, ErrorObject>) {
    out.extend_from_slice(b"{\"jsonrpc\":\"2.0\",\"id\":");
    json::write_value(out, &id);
    match outcome {
        Ok(reply) => {
            out.extend_from_slice(b",\"result\":");
            reply.write(out);
        }
        Err(error) => {
            out.extend_from_slice(b",\"error\":");
            json::write_value(out, error);
        }
    }
    out.push(b'}');
}

/// Appends the responses to a batch as one array. Returns false, and appends nothing, if there are none: then
/// JSON-RPC wants no answer at all.
pub fn encode_batch<'a>(
    out: &mut Vec<u8>,
    responses: impl IntoIterator<Item = (Option<&'a RequestId>, &'a Result<Reply, ErrorObject>)>,
) -> bool {
    let start = out.len();
    for (id, outcome) in responses {
        out.push(if out.len() == start { b'[' } else { b',' });
        encode_response(out, id, outcome);
    }
    let any = out.len() > start;
    if any {
        out.push(b']');
    }
    any
}

/// Appends a notification.
pub fn encode_event(out: &mut Vec<u8>, event: &Event) {
    out.extend_from_slice(b"{\"jsonrpc\":\"2.0\",\"method\":\"");
    out.extend_from_slice(event.method().as_bytes());
    out.extend_from_slice(b"\",\"params\":");
    event.write(out);
    out.push(b'}');
}

/// Appends a request to the client. `id` comes back with the response, as [`RequestId::String`].
pub fn encode_request(out: &mut Vec<u8>, id: &str, request: &ClientRequest) {
    out.extend_from_slice(b"{\"jsonrpc\":\"2.0\",\"id\":");
    json::write_string(out, id);
    out.extend_from_slice(b",\"method\":\"");
    out.extend_from_slice(request.method().as_bytes());
    out.extend_from_slice(b"\",\"params\":");
    request.write(out);
    out.push(b'}');
}
