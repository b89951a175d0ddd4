//! Components that no tool would make, put together byte by byte after the component model's binary format.

/// A core module of these sections.
pub(crate) fn core_module(sections: &[(u8, &[u8])]) -> Vec<u8> {
    let mut bytes = b"\0asm\x01\0\0\0".to_vec();
    for (id, contents) in sections {
        section(&mut bytes, *id, contents);
    }
    bytes
}

/// A component under construction: imports first, then what it exports.
///
/// Every function that it exports takes and gives a number, whatever its name promises.
pub(crate) struct Component {
    imports: Vec<u8>,
    exports: Vec<u8>,
    instances: u8,
    types: u8,
    /// Indices of the core module, core instance, core function and function are all 0: each is made once.
    has_function: bool,
    core_modules: u8,
}

impl Component {
    pub(crate) fn new() -> Self {
        Self {
            imports: Vec::new(),
            exports: Vec::new(),
            instances: 0,
            types: 0,
            has_function: false,
            core_modules: 0,
        }
    }

    /// An instance with nothing in it.
    pub(crate) fn import(self, name: &str) -> Self {
        self.import_instance(name, &[0x42, 0])
    }

    /// An instance with one function that gives a string.
    pub(crate) fn import_function(self, name: &str, function: &str) -> Self {
        // Two declarations: a function type without parameters that results in `string`, and its export.
        let mut declarations = vec![0x42, 2, 0x01, 0x40, 0, 0x00, 0x73, 0x04, 0x00];
        string(&mut declarations, function);
        declarations.extend([0x01, 0]);
        self.import_instance(name, &declarations)
    }

    fn import_instance(mut self, name: &str, instance_type: &[u8]) -> Self {
        assert!(self.exports.is_empty(), "imports come first");
        section(&mut self.imports, 7, &[&[1], instance_type].concat());
        let mut import = vec![1, 0x00];
        string(&mut import, name);
        import.extend([0x05, self.types]);
        section(&mut self.imports, 10, &import);
        self.types += 1;
        self.instances += 1;
        self
    }

    /// A core module with a memory of these limits, which is never made an instance of.
    pub(crate) fn core_memory(mut self, limits: &[u8]) -> Self {
        assert!(!self.has_function, "modules come before functions");
        let module = core_module(&[(5, &[&[1], limits].concat())]);
        section(&mut self.exports, 1, &module);
        self.core_modules += 1;
        self
    }

    /// An instance of this name with these functions.
    pub(crate) fn export(mut self, name: &str, functions: &[&str]) -> Self {
        self.define_function();
        let mut instance = vec![1, 0x01, functions.len() as u8];
        for function in functions {
            instance.push(0x00);
            string(&mut instance, function);
            instance.extend([0x01, 0]);
        }
        section(&mut self.exports, 5, &instance);
        let mut export = vec![1, 0x00];
        string(&mut export, name);
        export.extend([0x05, self.instances, 0x00]);
        section(&mut self.exports, 11, &export);
        // The instance itself, and the one that the export makes of it.
        self.instances += 2;
        self
    }

    /// `(func (param "x" u32) (result u32))`, lifted from a core function that gives back what it takes.
    fn define_function(&mut self) {
        if std::mem::replace(&mut self.has_function, true) {
            return;
        }
        let module = core_module(&[
            (1, &[1, 0x60, 1, 0x7f, 1, 0x7f]),
            (3, &[1, 0]),
            (7, &[1, 1, b'f', 0, 0]),
            (10, &[1, 4, 0, 0x20, 0, 0x0b]),
        ]);
        section(&mut self.exports, 1, &module);
        // An instance of the module, without arguments.
        section(&mut self.exports, 2, &[1, 0x00, self.core_modules, 0]);
        // Its function, by name.
        section(&mut self.exports, 6, &[1, 0x00, 0x00, 0x01, 0, 1, b'f']);
        section(&mut self.exports, 7, &[1, 0x40, 1, 1, b'x', 0x79, 0x00, 0x79]);
        section(&mut self.exports, 8, &[1, 0x00, 0x00, 0, 0, self.types]);
        self.types += 1;
    }

    pub(crate) fn bytes(&self) -> Vec<u8> {
        [b"\0asm\x0d\0\x01\0", &self.imports[..], &self.exports[..]].concat()
    }
}

fn section(bytes: &mut Vec<u8>, id: u8, contents: &[u8]) {
    bytes.push(id);
    length(bytes, contents.len());
    bytes.extend_from_slice(contents);
}

fn string(bytes: &mut Vec<u8>, text: &str) {
    length(bytes, text.len());
    bytes.extend_from_slice(text.as_bytes());
}

/// LEB128.
fn length(bytes: &mut Vec<u8>, mut length: usize) {
    while length > 0x7f {
        bytes.push(length as u8 | 0x80);
        length >>= 7;
    }
    bytes.push(length as u8);
}
