//! Tells the linker what a small build needs of the program, so that it lies side by side and is mapped with few faults.

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed=often.ld");
    let of = |name: &str| std::env::var(name).unwrap_or_default();
    let optimised = of("OPT_LEVEL").parse().is_ok_and(|level: u8| level > 1);
    // GNU ld and LLVM's lld read such scripts; who chose another linker knows better.
    let chosen = ["fuse-ld", "linker="].iter().any(|word| of("CARGO_ENCODED_RUSTFLAGS").contains(word));
    if of("CARGO_CFG_TARGET_OS") == "linux" && optimised && !chosen {
        println!("cargo::rustc-link-arg-bin=fiel=-Wl,-T,{}/often.ld", of("CARGO_MANIFEST_DIR"));
    }
}
