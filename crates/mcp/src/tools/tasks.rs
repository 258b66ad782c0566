//! Tasks: calls of tools that outlive their answer, bound to who began them and with which tool.
//!
//! A handle alone is not authentication (E-19, E-20), and the tool's scope must still be held when
//! its task is asked about later, or a task would be a way around the policy. So the id of a task
//! leaves here sealed: to the principal and the server, together with the name of the tool. Nothing
//! is stored, any replica can open it, and to everybody else it is noise. In what goes on to the
//! upstream, and in what comes back, the two ids are exchanged where they stand.

pub(crate) mod advertised;
mod handle;
pub(crate) mod ids;

pub(crate) use handle::{Handles, Task};
