//! What the engine says in English, in the reader's language.
//!
//! The journal and the API keep the engine's words as they were said. A page looks them up here:
//! `{}` stands for anything, and what stands there is looked up again, so that a sentence around a
//! provider's own words is translated and those words stay. What is not known stays in English.

use super::Lang;

/// How often words within words are looked up.
const DEPTH: u8 = 3;

/// English and Portuguese, each with the same count of `{}`. The first that fits counts.
pub(super) const PHRASES: &[(&str, &str)] = &[
    // another account's machine
    ("only its owner is told more", "só o dono fica sabendo mais"),
    // where a machine stands
    (
        "the GPU is lost; automatic failover is off",
        "a GPU se perdeu; o failover automático está desligado",
    ),
    (
        "the GPU is lost, and nothing had been synced to a standby yet",
        "a GPU se perdeu, e nada havia sido sincronizado com um standby ainda",
    ),
    ("no standby: {}", "sem standby: {}"),
    (
        "not all of the workspace is on the standby: {}",
        "nem toda a área de trabalho está no standby: {}",
    ),
    (
        "the standby can't run dumont-agent now, which keeps its copy",
        "o standby não consegue executar agora o dumont-agent, que mantém a sua cópia",
    ),
    ("the service account lacks {}", "faltam à conta de serviço: {}"),
    ("not prepared yet: {}", "ainda não preparado: {}"),
    ("the VM was stopped; starting it again", "a VM foi desligada; está sendo iniciada de novo"),
    (
        "the provider took the Spot VM back; starting it again",
        "o provedor retomou a VM Spot; está sendo iniciada de novo",
    ),
    (
        "the standby VM no longer exists at the provider; a new one is being made",
        "a VM do standby não existe mais no provedor; outra está sendo criada",
    ),
    (
        "the GPU's workspace lost {} of {} files at once; the standby keeps them until you say otherwise",
        "a área de trabalho da GPU perdeu {} de {} arquivos de uma vez; o standby os guarda até você decidir",
    ),
    (
        "the workspace is not there on the GPU; the standby keeps its copy",
        "a área de trabalho não está na GPU; o standby guarda a sua cópia",
    ),
    // steps of a failover
    (
        "the failover ended before anything served again",
        "o failover terminou antes que algo voltasse a servir",
    ),
    (
        "the new GPU did not answer any more, or nothing could be started on it, once the machine was on it; the old GPU is to be stopped, and its disk is kept until you destroy it",
        "a GPU nova não respondeu mais, ou nada pôde ser iniciado nela, depois que a máquina passou para ela; a GPU antiga é desligada, e o seu disco fica guardado até você destruí-la",
    ),
    ("the new GPU is held by another rental", "a GPU nova está em uso por outro aluguel"),
    (
        "a policy of the organisation forbids it; have it changed, or use another project: {}",
        "uma política da organização o proíbe; peça que a mudem, ou use outro projeto: {}",
    ),
    (
        "Compute Engine is not switched on in the project; enable it there: {}",
        "o Compute Engine não está ativado no projeto; ative-o lá: {}",
    ),
    (
        "the clock of this server seems to be wrong; set it: {}",
        "o relógio deste servidor parece errado; acerte-o: {}",
    ),
    ("the association is gone", "a associação não existe mais"),
    ("another has taken this machine over (epoch {})", "outro assumiu esta máquina (época {})"),
    ("fenced off: {}", "isolado: {}"),
    ("epoch {} is over, the standby is at {}", "a época {} acabou, o standby está na {}"),
    ("not moved, nothing was changed: {}", "não movida, nada foi alterado: {}"),
    ("the last sync did not complete: {}", "a última sincronização não terminou: {}"),
    (
        "no offer fits: {} seen, none within the price cap, class and region of the rules",
        "nenhuma oferta serve: {} vistas, nenhuma dentro do teto de preço, da classe e da região das regras",
    ),
    ("no candidate of {} worked: {}", "nenhum de {} candidatos funcionou: {}"),
    (
        "no further GPU is bought: {} of them could not be prepared, the last one because {}",
        "nenhuma outra GPU é comprada: {} delas não puderam ser preparadas, a última porque {}",
    ),
    (
        "no further GPU is bought: {} of {} for this failover",
        "nenhuma outra GPU é comprada: {} de {} neste failover",
    ),
    (
        "no further GPU is bought: {} of {} within 24 hours",
        "nenhuma outra GPU é comprada: {} de {} em 24 horas",
    ),
    (
        "no further GPU is bought: those of this failover cost {} an hour, one more {}, and {} are allowed",
        "nenhuma outra GPU é comprada: as deste failover custam {} por hora, mais uma {}, e são permitidos {}",
    ),
    (
        "no further GPU is bought: those of 24 hours cost {} an hour, one more {}, and {} are allowed",
        "nenhuma outra GPU é comprada: as de 24 horas custam {} por hora, mais uma {}, e são permitidos {}",
    ),
    (
        "the credit of {} does not pay for an hour of the next GPU ({})",
        "o crédito de {} não paga uma hora da próxima GPU ({})",
    ),
    ("the standby can't take over: {}", "o standby não pode assumir: {}"),
    (
        "the offer is being bought for another machine",
        "a oferta está sendo comprada para outra máquina",
    ),
    ("all offers of the search were tried", "todas as ofertas da busca foram tentadas"),
    (
        "a purchase had no clear answer and was given up",
        "uma compra ficou sem resposta clara e foi abandonada",
    ),
    (
        "not known whether a GPU was bought; looking for its label",
        "não se sabe se uma GPU foi comprada; procurando pela etiqueta",
    ),
    ("can't look for the label now", "a etiqueta não pode ser procurada agora"),
    (
        "not seen in time after an unclear answer",
        "não apareceu a tempo depois de uma resposta incerta",
    ),
    (
        "refused, yet an instance was made; destroying it",
        "recusada, mas uma instância foi criada; está sendo destruída",
    ),
    ("the server is shutting down", "o servidor está sendo desligado"),
    ("nothing was bought", "nada foi comprado"),
    ("the purchase has no instance", "a compra não tem instância"),
    ("the new GPU did not run in time: {}", "a GPU nova não ficou pronta a tempo: {}"),
    (
        "the new GPU runs but does not answer SSH: {}",
        "a GPU nova está ligada mas não responde por SSH: {}",
    ),
    ("the new GPU does not answer yet", "a GPU nova ainda não responde"),
    ("the new GPU is gone", "a GPU nova não existe mais"),
    ("the new GPU is {}: {}", "a GPU nova está {}: {}"),
    (
        "the new GPU can't run what a recovery point is brought by",
        "a GPU nova não consegue executar o programa que traz um ponto de recuperação",
    ),
    (
        "the new GPU can't be told that its data is there",
        "não se consegue avisar à GPU nova que os dados dela chegaram",
    ),
    ("the new GPU has no address", "a GPU nova não tem endereço"),
    ("it runs without an SSH address", "está ligada sem endereço SSH"),
    ("the standby has no key yet", "o standby ainda não tem chave"),
    ("the standby has no address", "o standby não tem endereço"),
    ("the standby is {}: {}", "o standby está {}: {}"),
    ("the standby does not answer: {}", "o standby não responde: {}"),
    (
        "the standby does not answer; its drill copy is still there",
        "o standby não responde; a cópia do ensaio ainda está lá",
    ),
    ("this machine has no standby", "esta máquina não tem standby"),
    ("the GPU has no SSH address", "a GPU não tem endereço SSH"),
    ("the GPU does not answer: {}", "a GPU não responde: {}"),
    ("the data could not be brought", "os dados não puderam ser levados"),
    ("{} of {} files differ, for example {}", "{} de {} arquivos diferem, por exemplo {}"),
    ("no new GPU to switch to", "não há GPU nova para assumir"),
    (
        "the machine does not run on a new GPU; the old one is kept",
        "a máquina não roda em uma GPU nova; a antiga é mantida",
    ),
    ("{} {} is not seen to be gone yet", "{} {} ainda não foi confirmado como removido"),
    // the data path
    ("not trusted by the standby: {}", "o standby não confia: {}"),
    ("busy: {}", "ocupado: {}"),
    ("not prepared: {}", "não preparado: {}"),
    ("{}: no sign of life for too long", "{}: sem sinal de vida por tempo demais"),
    ("restoring: {}", "restauração: {}"),
    ("it was cut off: {}", "foi interrompido: {}"),
    // SSH
    ("nothing answers SSH there: {}", "nada responde por SSH lá: {}"),
    (
        "the host key changed: expected {}, got {}",
        "a chave do host mudou: esperada {}, recebida {}",
    ),
    ("the server refused our key", "o servidor recusou a nossa chave"),
    ("the connection has ended", "a conexão terminou"),
    ("no answer in time: {}", "sem resposta a tempo: {}"),
    ("connecting", "conexão"),
    ("a sign of life", "um sinal de vida"),
    ("a command", "um comando"),
    ("a channel", "um canal"),
    ("no greeting", "sem saudação"),
    // the provider's word, states
    ("up", "ligada"),
    ("gone", "não existe mais"),
    ("host_lost", "host perdido"),
    ("preempted", "interrompida pelo provedor"),
    ("crashed", "contêiner encerrado"),
    ("stopped", "desligada"),
    ("creating", "sendo criado"),
    ("booting", "iniciando"),
    ("ready", "pronto"),
    ("failed", "com falha"),
    ("deleting", "sendo excluído"),
    ("none", "nenhum"),
    ("answers", "responde"),
    ("not reached yet", "ainda não alcançado"),
    ("never", "nunca"),
    ("unknown", "desconhecido"),
    ("on", "ligado"),
    ("off", "desligado"),
    ("gpu", "GPU"),
    ("lost", "perdida"),
    ("standby", "standby"),
    ("following", "acompanhando"),
    ("not following", "sem acompanhar"),
    ("preparing", "preparando"),
    ("first_sync", "primeira cópia"),
    ("paused", "pausada"),
    ("frozen", "congelada"),
    ("failing_over", "em failover"),
    ("on_standby", "no standby"),
    ("degraded", "não acompanha"),
    ("{} s ago", "há {} s"),
];

/// A part of a sentence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Part {
    pub(crate) text: String,
    /// A sentence of a provider's or a host's, as it was said.
    pub(crate) quoted: bool,
}

/// The engine's words for a reader.
pub(crate) fn said(words: &str, lang: Lang) -> String {
    parts(words, lang).into_iter().map(|part| part.text).collect()
}

/// The same in parts: what others said, in English, is told apart from our own words around it.
pub(crate) fn parts(words: &str, lang: Lang) -> Vec<Part> {
    // A state's name in the code is read as words.
    if lang == Lang::En && is_name(words) {
        return vec![Part { text: words.replace('_', " "), quoted: false }];
    }
    let mut found = Vec::new();
    look_up(words, lang, 0, &mut found);
    found
}

fn is_name(words: &str) -> bool {
    words.bytes().all(|letter| letter == b'_' || letter.is_ascii_lowercase())
}

fn look_up(words: &str, lang: Lang, depth: u8, out: &mut Vec<Part>) {
    let found = (depth < DEPTH)
        .then(|| PHRASES.iter().find_map(|phrase| Some((phrase, holes(phrase.0, words)?))))
        .flatten();
    let Some(((en, pt), values)) = found else {
        // Who reads English can't tell a sentence of ours that is not in the book from another's, unless
        // it stands within one that is.
        let foreign = depth > 0 || lang != Lang::En;
        push(out, words, foreign && is_sentence(words));
        return;
    };
    let template = if lang == Lang::Pt { pt } else { en };
    let mut values = values.into_iter();
    for (place, part) in template.split("{}").enumerate() {
        if place > 0 {
            look_up(values.next().unwrap_or_default(), lang, depth + 1, out);
        }
        push(out, part, false);
    }
}

/// Names, paths and figures stand as they are; several words are quoted.
fn is_sentence(words: &str) -> bool {
    words.split_whitespace().filter(|word| word.chars().all(char::is_alphabetic)).count() > 1
}

fn push(out: &mut Vec<Part>, text: &str, quoted: bool) {
    match out.last_mut() {
        _ if text.is_empty() => {}
        Some(last) if !last.quoted && !quoted => last.text.push_str(text),
        _ => out.push(Part { text: text.to_owned(), quoted }),
    }
}

/// What stands in the holes of a template, if the words have its shape.
fn holes<'w>(template: &str, words: &'w str) -> Option<Vec<&'w str>> {
    let mut parts = template.split("{}");
    let mut rest = words.strip_prefix(parts.next()?)?;
    let parts: Vec<&str> = parts.collect();
    let mut found = Vec::with_capacity(parts.len());
    for (place, part) in parts.iter().enumerate() {
        let last = place + 1 == parts.len();
        let at = match (last, part.is_empty()) {
            (true, true) => rest.len(),
            (true, false) => {
                rest.len().checked_sub(part.len()).filter(|at| rest.get(*at..) == Some(*part))?
            }
            (false, _) => rest.find(part)?,
        };
        found.push(rest.get(..at)?);
        rest = rest.get(at + part.len()..)?;
    }
    rest.is_empty().then_some(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sentence_is_told_in_portuguese_around_words_that_stay() {
        assert_eq!(
            said(
                "the standby does not answer: nothing answers SSH there: Connection refused",
                Lang::Pt
            ),
            "o standby não responde: nada responde por SSH lá: Connection refused"
        );
        assert_eq!(said("12 s ago", Lang::Pt), "há 12 s");
        assert_eq!(
            said(
                "the GPU's workspace lost 90 of 100 files at once; the standby keeps them until you say otherwise",
                Lang::Pt
            ),
            "a área de trabalho da GPU perdeu 90 de 100 arquivos de uma vez; o standby os guarda até você decidir"
        );
        assert_eq!(said("on", Lang::En), "on");
        assert_eq!(said("host_lost", Lang::En), "host lost");
        assert_eq!(said("job_1 ended", Lang::En), "job_1 ended");
    }

    #[test]
    fn what_a_provider_said_is_told_apart_in_both_languages() {
        let words =
            "the standby does not answer: nothing answers SSH there: Connection refused by peer";
        for (lang, own) in [
            (Lang::En, "the standby does not answer: nothing answers SSH there: "),
            (Lang::Pt, "o standby não responde: nada responde por SSH lá: "),
        ] {
            let found = parts(words, lang);
            assert_eq!(found.len(), 2, "{found:?}");
            assert_eq!((found[0].text.as_str(), found[0].quoted), (own, false));
            assert_eq!(
                (found[1].text.as_str(), found[1].quoted),
                ("Connection refused by peer", true)
            );
        }
        let whole = "Quota 'CPUS' exceeded";
        assert!(parts(whole, Lang::Pt)[0].quoted && !parts(whole, Lang::En)[0].quoted);
        for own in ["12 s ago", "/workspace/a b", "on", "3 of 9 files differ, for example a.bin"] {
            assert!(parts(own, Lang::Pt).iter().all(|part| !part.quoted), "{own}");
        }
    }

    #[test]
    fn what_is_not_known_stays_as_it_was_said() {
        for words in ["Required 'compute.instances.create' permission", "", "one", "$4.47"] {
            assert_eq!(said(words, Lang::Pt), words);
        }
    }

    #[test]
    fn both_sides_of_a_phrase_have_the_same_holes() {
        for (en, pt) in PHRASES {
            assert_eq!(en.matches("{}").count(), pt.matches("{}").count(), "{en}");
            assert_eq!(
                holes(en, &en.replace("{}", "x")).map(|found| found.len()),
                Some(en.matches("{}").count()),
                "{en}"
            );
        }
    }

    /// The sentences that steps of a failover end with, as they stand in the engine's sources.
    #[test]
    fn every_sentence_of_a_failovers_steps_is_known() {
        let saga =
            std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../crates/engine/src/saga");
        let mut seen = 0;
        for entry in std::fs::read_dir(saga).expect("the sources").flatten() {
            let text = std::fs::read_to_string(entry.path()).expect("a source");
            let code = text.split("#[cfg(test)]").next().unwrap_or_default();
            for line in code.lines().filter(|line| is_told(line)) {
                for literal in line.split('"').skip(1).step_by(2).filter(|text| text.contains(' '))
                {
                    let words = filled(literal);
                    assert_ne!(
                        said(&words, Lang::Pt),
                        words,
                        "{literal:?} is not in the phrasebook"
                    );
                    seen += 1;
                }
            }
        }
        assert!(seen > 15, "only {seen} sentences were found");
    }

    /// A line that ends a step with words.
    fn is_told(line: &str) -> bool {
        ["::failed(", "::retry(", "::blocked(", "Err(format!(", "ok_or_else("]
            .iter()
            .any(|call| line.contains(call))
    }

    /// A format string with something in its places.
    fn filled(literal: &str) -> String {
        let mut out = String::new();
        let mut inside = false;
        for letter in literal.chars() {
            match letter {
                '{' => {
                    inside = true;
                    out.push('7');
                }
                '}' => inside = false,
                other if !inside => out.push(other),
                _ => {}
            }
        }
        out
    }
}
