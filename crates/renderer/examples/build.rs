//! Prints what a kustomization builds, with nothing but the library: `cargo run --example build FOLDER`. `cargo xtask bench render` counts its instructions.

use std::path::Path;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let folder = std::env::args_os().nth(1).ok_or("name a folder")?;
    let full = Path::new(&folder).canonicalize()?;
    let below = full.to_str().ok_or("the path is not UTF-8")?.trim_start_matches('/');
    let build = fiel_renderer::build(&fiel_renderer::Disk::new("/"), below, &fiel_renderer::Options::default())?;
    build.write_yaml(std::io::stdout().lock())?;
    // The process ends here: the system takes the memory back faster than we could.
    std::mem::forget(build);
    Ok(())
}
