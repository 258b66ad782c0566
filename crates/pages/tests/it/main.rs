//! The pages as a browser and a person meet them.

mod contract;
mod escaping;
mod html;
mod policy;
mod samples;
