//! One admitted request, and what it can see: its server, the session, the places that streams take,
//! and what all servers share.

pub(crate) mod call;
pub(crate) mod endpoint;
mod judgement;
pub(crate) mod openings;
pub(crate) mod pulse;
pub(crate) mod session;
pub(crate) mod shared;
pub(crate) mod slots;
pub(crate) mod wishes;

pub(crate) use call::Call;
pub(crate) use endpoint::Endpoint;
pub(crate) use shared::Shared;
