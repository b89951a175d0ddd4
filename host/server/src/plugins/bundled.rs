//! The plugins that come with the host, as `builtin:NAME`.

/// Names and components, in the order in which they are listed.
pub(crate) const ALL: &[(&str, &[u8])] = &[
    ("rules", include_bytes!("../../../../plugins/prebuilt/rules.wasm")),
    ("redact", include_bytes!("../../../../plugins/prebuilt/redact.wasm")),
    ("tidy", include_bytes!("../../../../plugins/prebuilt/tidy.wasm")),
    ("headtail", include_bytes!("../../../../plugins/prebuilt/headtail.wasm")),
    ("tests", include_bytes!("../../../../plugins/prebuilt/tests.wasm")),
];

/// The bundled plugin of a name.
pub(crate) fn find(name: &str) -> Option<(&'static str, &'static [u8])> {
    ALL.iter().find(|(known, _)| *known == name).copied()
}
