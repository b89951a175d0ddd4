//! Gives the component a small stack: there is an instance for each stream, and the logic neither recurses nor
//! keeps buffers there.

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    if std::env::var("CARGO_CFG_TARGET_FAMILY").is_ok_and(|family| family == "wasm") {
        println!("cargo:rustc-link-arg-cdylib=-zstack-size=65536");
    }
}
