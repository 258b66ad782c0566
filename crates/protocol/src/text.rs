//! Text that other people chose and that we show or log.

/// Makes a self-declared name safe to show on one line (RG-5): control characters, direction
/// overrides and invisible characters go, white space is folded, and it ends after 128 characters.
///
/// `None` if nothing is left.
pub fn display_name(unverified: &str) -> Option<String> {
    let visible: String = unverified.chars().filter(|c| !is_deceptive(*c)).collect();
    let folded: Vec<&str> = visible.split_whitespace().collect();
    let name: String = folded.join(" ").chars().take(128).collect();
    (!name.is_empty()).then_some(name)
}

/// Characters that hide, reorder or break a line.
pub fn is_deceptive(c: char) -> bool {
    (c.is_control() && !c.is_whitespace())
        || matches!(c,
            '\u{00AD}' | '\u{061C}' | '\u{180E}' | '\u{200B}'..='\u{200F}' | '\u{202A}'..='\u{202E}'
            | '\u{2060}'..='\u{206F}' | '\u{FEFF}' | '\u{FFF9}'..='\u{FFFB}' | '\u{E0000}'..='\u{E007F}')
}

#[cfg(test)]
mod tests {
    use super::*;

    /// T-REG-15.
    #[test]
    fn t_reg_15_names_are_cleaned() {
        assert_eq!(
            display_name("Claude\u{202E} Code\0\n(gw)").as_deref(),
            Some("Claude Code (gw)")
        );
        assert_eq!(display_name("\u{200B}\u{202E} \n"), None);
        assert_eq!(display_name(&"x".repeat(10_000)).map(|name| name.len()), Some(128));
    }
}
