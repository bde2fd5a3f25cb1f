//! What a resolver finds in its context.

use std::any::{Any, TypeId};
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use async_graphql::parser::types::OperationType;
use async_graphql::{Context, Request};
use domain::access::{Actor, Reader, RequestName, Role};

use super::error::Result;
use super::visitor::Visitor;
use crate::app::App;
use crate::platform::error::{Denial, Error};

/// Who asks, where that is known; in the data of a request. Otherwise there is a [`Visitor`] there.
#[derive(Debug, Clone, Copy)]
pub struct Viewer(pub Option<Actor>);

/// Where a request comes from; in its data. Whom it is counted for, and nothing else.
#[derive(Debug, Clone, Copy)]
pub struct Origin(pub IpAddr);

/// All that an answer for several subscribers may depend on; in the data of its execution, in place of [`Viewer`].
#[derive(Debug, Clone, Copy)]
pub struct Shared(pub Reader);

/// The id that the log and the client know a request by; in the data of every request.
#[derive(Debug, Clone)]
pub struct RequestId(pub String);

/// Which operations a request may be; in its data. Everything, where this is absent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Accepts {
    /// Only what changes nothing.
    Queries,
    /// One answer a request.
    QueriesAndMutations,
    /// Subscriptions as well.
    Everything,
}

/// Whether a request got as far as its execution, or that of its first event; in its data. Before that, an answer has no
/// `data`.
#[derive(Debug, Clone, Default)]
pub struct Begun(Arc<AtomicBool>);

impl Begun {
    /// Says that it did.
    pub(super) fn set(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    /// Whether it did.
    #[must_use]
    pub fn get(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// What a request brings in its data, for an extension that is asked before there is a context to find it in.
pub(super) fn brought<T: Any>(request: &Request) -> Option<&T> {
    request.data.get(&TypeId::of::<T>()).and_then(|given| given.downcast_ref())
}

/// The application.
///
/// # Errors
/// A fault when the schema was built without it.
pub fn app<'a>(ctx: &Context<'a>) -> Result<&'a App> {
    ctx.data::<App>().map_err(|e| Error::fault("finding the app in the context", e.message).into())
}

/// What the answer may depend on of whoever reads it: all of whoever is signed in, or less when the answer goes to several.
/// `None` when nobody is signed in.
#[must_use]
pub fn reader(ctx: &Context<'_>) -> Option<Reader> {
    match ctx.data_opt::<Shared>() {
        Some(shared) => Some(shared.0),
        None => viewer(ctx).map(Reader::from),
    }
}

/// Whoever is signed in, if anybody is. Never somebody where the answer goes to several: fields of subscriptions ask for
/// the [`reader`].
#[must_use]
pub fn viewer(ctx: &Context<'_>) -> Option<Actor> {
    match ctx.data_opt::<Viewer>() {
        Some(viewer) => viewer.0,
        None => ctx.data_opt::<Visitor>().and_then(Visitor::actor),
    }
}

/// Whether the answer may be of a moment ago: for those who look round the shop. Those who run it see what they did, and
/// live answers and answers to changes are of now.
#[must_use]
pub fn is_browsing(ctx: &Context<'_>) -> bool {
    let is_query = ctx.query_env.operation.node.ty == OperationType::Query;
    is_query && !viewer(ctx).is_some_and(|viewer| matches!(viewer.role, Role::Seller | Role::Admin))
}

/// The address that the request comes from, if it came over a connection.
#[must_use]
pub fn origin(ctx: &Context<'_>) -> Option<IpAddr> {
    ctx.data_opt::<Origin>().map(|origin| origin.0)
}

/// Whoever is signed in, in this request.
///
/// # Errors
/// `UNAUTHENTICATED` when nobody is.
pub fn actor(ctx: &Context<'_>) -> Result<Actor> {
    let actor = viewer(ctx).ok_or(Denial::Unauthenticated)?;
    Ok(Actor { request: ctx.data_opt::<RequestId>().and_then(|id| RequestName::new(&id.0)), ..actor })
}
