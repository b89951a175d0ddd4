//! Tidies standard input: `cargo run -p weir-tidy --example tidy -- '{"colors":"keep"}' < file`. With `--time` in
//! front it says instead how fast that was, in chunks of 64 KiB.

use std::io::{Read, Write};
use std::time::Instant;

use weir_tidy::{Options, Tidy};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1).peekable();
    let timed = arguments.next_if(|first| first == "--time").is_some();
    let options = Options::parse(&arguments.next().unwrap_or_else(|| "{}".to_owned()))?;
    let mut input = Vec::new();
    std::io::stdin().lock().read_to_end(&mut input)?;
    let begun = Instant::now();
    let mut tidy = Tidy::new(&options);
    let mut out = Vec::new();
    let mut given = 0;
    for chunk in input.chunks(64 << 10) {
        let bytes = tidy.push(chunk).unwrap_or_else(|| chunk.to_vec());
        given += bytes.len();
        if !timed {
            out.extend(bytes);
        }
    }
    out.extend(tidy.finish());
    if timed {
        let seconds = begun.elapsed().as_secs_f64();
        let mib = input.len() as f64 / f64::from(1 << 20);
        writeln!(
            std::io::stderr(),
            "{mib:.0} MiB in {seconds:.3} s: {:.0} MiB/s, {given} bytes",
            mib / seconds
        )?;
        return Ok(());
    }
    // An example has no protocol on its standard output.
    #[allow(clippy::disallowed_methods)]
    std::io::stdout().lock().write_all(&out)?;
    Ok(())
}
