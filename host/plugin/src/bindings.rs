//! What `wasmtime::component::bindgen!` makes of `wit/`: nothing else lives here, and nothing of it leaves the crate.

// The generated code reads typed functions out of indices that it has checked before; it documents nothing.
#![allow(unsafe_code, missing_docs, unreachable_pub, dead_code, unused_variables, clippy::all)]

wasmtime::component::bindgen!({
    path: "../../wit",
    world: "full-plugin",
    imports: { default: trappable },
    exports: { default: async },
});
