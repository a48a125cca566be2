//! Filling a database to measure on, and asking a server for its pages. Never part of the product:
//! nothing of it is linked into `dumont`.

pub mod fleet;
pub mod load;
pub mod table;
