//! What the header of a 64-bit ELF file tells: how a program was linked.

/// Whether it names a dynamic loader (a program header of type PT_INTERP).
pub(crate) fn asks_for_interpreter(elf: &[u8]) -> bool {
    let (table, size, count) = (number(elf, 32, 8), number(elf, 54, 2), number(elf, 56, 2));
    (0..count).any(|index| number(elf, table + index * size, 4) == 3)
}

/// Whether it was linked to one address (of type ET_EXEC), so that nothing in it is relocated when it starts.
pub(crate) fn is_at_fixed_address(elf: &[u8]) -> bool {
    number(elf, 16, 2) == 2
}

fn number(elf: &[u8], at: usize, length: usize) -> usize {
    elf.get(at..at + length).map_or(0, |bytes| bytes.iter().rev().fold(0, |sum, byte| sum << 8 | usize::from(*byte)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tells_a_dynamic_program_from_others() {
        // The test itself is dynamic on this target, lies anywhere, and a header without program headers asks for nothing.
        let own = std::fs::read(std::env::current_exe().unwrap()).unwrap();
        assert_eq!(asks_for_interpreter(&own), !cfg!(target_feature = "crt-static") && cfg!(target_os = "linux"));
        assert!(!is_at_fixed_address(&own));
        assert!(!asks_for_interpreter(&own[..20]));
        assert!(!is_at_fixed_address(&own[..16]));
    }
}
