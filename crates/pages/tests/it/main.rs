//! The pages as a browser and a person meet them.

mod contract;
mod escaping;
mod html;
mod people;
mod policy;
mod samples;
