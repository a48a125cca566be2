//! The words of getting in beside the password, in both languages: browsers that are known.

/// One field for each text, with both languages beside one another.
macro_rules! texts {
    ($($key:ident: $en:literal, $pt:literal;)+) => {
        /// Texts of getting in.
        #[derive(Debug)]
        pub(crate) struct AccessTexts { $(pub(crate) $key: &'static str,)+ }

        pub(super) const EN: AccessTexts = AccessTexts { $($key: $en,)+ };
        pub(super) const PT: AccessTexts = AccessTexts { $($key: $pt,)+ };

        #[cfg(test)]
        impl AccessTexts {
            /// Each key with its text, in the order of definition.
            pub(super) fn all(&self) -> Vec<(&'static str, &'static str)> {
                vec![$((stringify!($key), self.$key),)+]
            }
        }
    };
}

texts! {
    browsers: "Known browsers", "Navegadores conhecidos";
    browsers_what:
        "Browsers in which you logged in before. Wrong tries of strangers keep none of them out. A new password forgets all but the one that sets it.",
        "Navegadores em que você já entrou. Tentativas erradas de estranhos não barram nenhum deles. Uma nova senha esquece todos, menos o que a definiu.";
    browsers_none: "No browser is known.", "Nenhum navegador é conhecido.";
    browser_forget: "Forget", "Esquecer";
    said_browser_forgotten: "The browser is forgotten. Where it is logged in, it stays so: see Sessions.", "O navegador foi esquecido. Onde há sessão aberta, ela continua: veja Sessões.";
}
