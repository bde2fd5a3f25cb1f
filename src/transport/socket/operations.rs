//! The operations of a socket, between the ids that its client gave them and the numbers that the engine knows.

use std::sync::Arc;

use bytes::Bytes;

use super::conversation::Server;
use super::envelope::Id;
use super::goodbye::Goodbye;
use super::protocol::Request;
use crate::graphql::{GraphError, name_request};
use crate::stream::{Answer, Authority, Call, Operation, Outgoing, SendQueue};

/// Operations that one socket may have open.
const MAX_OPERATIONS: usize = 100;

/// Memory that what they ask for may take, in bytes: a message of the largest size can be several times as large once it is
/// read. The only operation of a socket may take more.
const MAX_SIZE: usize = 2 * 1024 * 1024;

/// Those that are going on.
pub(super) struct Operations<'a> {
    server: &'a Server,
    authority: Arc<dyn Authority>,
    queue: &'a Arc<SendQueue>,
    /// A few, at the most [`MAX_OPERATIONS`]: looked through faster than anything is looked up.
    active: Vec<Active>,
    last: u32,
}

/// An operation, from `subscribe` until its last word has been sent or its client wants no more of it.
struct Active {
    id: Id,
    number: u32,
    /// Bytes that what it asks for takes.
    size: usize,
    /// Runs until it is dropped.
    operation: Operation,
}

impl<'a> Operations<'a> {
    /// None yet. They are executed for `authority`, and answered in `queue`.
    pub(super) fn new(server: &'a Server, authority: Arc<dyn Authority>, queue: &'a Arc<SendQueue>) -> Self {
        Self { server, authority, queue, active: Vec::new(), last: 0 }
    }

    /// Starts one; if there are too many, the message that says so.
    ///
    /// # Errors
    /// 4409 when one of this id is going on.
    pub(super) fn start(&mut self, text: &str, request: Request) -> Result<Option<Bytes>, Goodbye> {
        let id = Id::new(text);
        if self.active.iter().any(|active| active.id == id) {
            return Err(Goodbye::duplicate(text));
        }
        if self.active.len() >= MAX_OPERATIONS {
            return Ok(Some(id.error(&self.too_many(format!("A socket may have {MAX_OPERATIONS} operations open.")))));
        }
        let Request { query, operation_name, variables } = request;
        let call = Call::new(query, operation_name, variables, self.server.request_id.clone());
        let call = Call { from: Some(self.server.from), ..call };
        let (size, taken) = (id.len() + call.size(), self.active.iter().map(|active| active.size).sum::<usize>());
        if taken > 0 && taken + size > MAX_SIZE {
            let message = "The operations that are open on this socket are too large for one more of this size.".to_owned();
            return Ok(Some(id.error(&self.too_many(message))));
        }
        self.last = self.last.wrapping_add(1);
        let number = self.last;
        let operation = self.server.engine.start(call, Arc::clone(&self.authority), self.queue, number);
        self.active.push(Active { id, number, size, operation });
        Ok(None)
    }

    /// Stops one, if it is going on. Nothing more is said of it.
    pub(super) fn stop(&mut self, text: &str) {
        let id = Id::new(text);
        if let Some(index) = self.active.iter().position(|active| active.id == id) {
            let Active { number, operation, .. } = self.active.swap_remove(index);
            // before what waits for it is forgotten, so that it adds nothing
            drop(operation);
            self.queue.forget(number);
        }
    }

    /// Whether a query or a mutation has not been answered yet.
    pub(super) fn has_unanswered(&self) -> bool {
        self.active.iter().any(|active| !active.operation.is_subscription())
    }

    /// The message that brings `outgoing` to the client; none, if it wants no more of that operation. With its last word an
    /// operation is over, and its id may be used again.
    pub(super) fn envelope(&mut self, outgoing: Outgoing) -> Option<Bytes> {
        let index = self.active.iter().position(|active| active.number == outgoing.operation)?;
        match outgoing.answer {
            Answer::Next(frame) => self.active.get(index).map(|active| active.id.next(&frame.body)),
            Answer::Errors(errors) => Some(self.active.swap_remove(index).id.error(&errors)),
            Answer::Complete => Some(self.active.swap_remove(index).id.complete()),
        }
    }

    /// Messages that are ready, up to `count` answers of theirs, and to `size` bytes of all but the last.
    pub(super) fn ready(&mut self, count: usize, size: usize) -> Vec<Bytes> {
        let (mut messages, mut bytes) = (Vec::new(), 0);
        for _ in 0..count {
            if bytes >= size {
                break;
            }
            let Some(outgoing) = self.queue.try_next() else { break };
            if let Some(message) = self.envelope(outgoing) {
                bytes += message.len();
                messages.push(message);
            }
        }
        messages
    }

    /// The errors of an operation for which there is no place.
    fn too_many(&self, message: String) -> Vec<u8> {
        let mut response = GraphError::retryable("TOO_MANY_OPERATIONS", message).into_response();
        name_request(&mut response, &self.server.request_id);
        serde_json::to_vec(&response.errors).unwrap_or_else(|_| b"[]".to_vec())
    }
}
