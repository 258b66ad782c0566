//! Tasks on their way: ids are exchanged where they stand, in what goes and in what comes.

pub(crate) mod answer;
pub(crate) mod listen;
