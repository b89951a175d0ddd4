//! What commands mean: tables, corpora, properties, and real shells beside it.

mod against_bash;
mod against_brush;
mod bounds;
mod common;
mod corpora;
mod heredocs;
mod hidden;
mod table;
