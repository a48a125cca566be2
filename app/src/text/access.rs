//! The words of getting in beside the password, in both languages: browsers that are known,
//! second factors, and what accounts share.

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
    factor: "Second factor", "Segundo fator";
    factor_what:
        "A passkey, or a code from an app on your phone, asked for with the password: at each login, and before keys, tokens and the password itself are changed. API tokens are not asked for one.",
        "Uma chave de acesso, ou um código de um aplicativo no seu celular, pedido junto com a senha: em cada entrada e antes de mudar chaves, tokens e a própria senha. Tokens de API não precisam dele.";
    factor_off: "No second factor is on.", "Nenhum segundo fator está ativo.";
    factor_set_up: "Set up a second factor", "Configurar um segundo fator";
    factor_manage: "Manage it", "Gerenciar";
    factor_since: "On since", "Ativo desde";
    factor_codes_left: "Recovery codes left", "Códigos de recuperação restantes";
    factor_begin: "Begin", "Começar";
    factor_begin_again: "Begin again with another secret", "Recomeçar com outro segredo";
    factor_scan:
        "Scan this with an authenticator app, or type the secret into it. Then enter the code that it shows; the second factor is on from then.",
        "Leia isto com um aplicativo autenticador, ou digite o segredo nele. Depois informe o código que ele mostra; a partir daí o segundo fator está ativo.";
    factor_qr: "QR code of the secret", "Código QR do segredo";
    factor_secret: "Secret", "Segredo";
    factor_activate: "Turn it on", "Ativar";
    factor_code: "Code", "Código";
    factor_code_hint: "Six digits from the app, or a recovery code.", "Seis dígitos do aplicativo, ou um código de recuperação.";
    recovery_made: "Your recovery codes:", "Seus códigos de recuperação:";
    recovery_once:
        "Each opens once in place of a code or a passkey, when the phone is lost. They are shown only now: keep them somewhere safe, not on the phone.",
        "Cada um vale uma vez no lugar de um código ou de uma chave de acesso, se o celular se perder. São mostrados só agora: guarde-os em lugar seguro, não no celular.";
    recovery_make: "Make other recovery codes", "Criar outros códigos de recuperação";
    recovery_make_what: "Those before open nothing after that.", "Os anteriores deixam de valer.";
    factor_remove: "Remove a second factor", "Remover um segundo fator";
    factor_remove_what:
        "With your password and a code or a passkey; it may be the one that you remove. Without the last one, the password alone opens the account.",
        "Com a sua senha e um código ou uma chave de acesso; pode ser a que você remove. Sem o último, só a senha abre a conta.";
    factor_which: "Which one", "Qual";
    app: "Authenticator app", "Aplicativo autenticador";
    app_off: "No app is set up.", "Nenhum aplicativo está configurado.";
    app_added: "The app's codes are taken from now on. Your recovery codes stay as they are.", "Os códigos do aplicativo já valem. Seus códigos de recuperação continuam os mesmos.";
    said_app_removed: "The app's codes open nothing any more.", "Os códigos do aplicativo não abrem mais nada.";
    passkeys: "Passkeys", "Chaves de acesso";
    passkeys_what:
        "Kept by your device, your phone or a security key, which asks you. Nothing is typed, and no other site can ask for it.",
        "Guardadas no seu dispositivo, no celular ou em uma chave de segurança, que pergunta a você. Nada é digitado, e nenhum outro site pode pedi-la.";
    passkeys_none: "There is no passkey.", "Não há nenhuma chave de acesso.";
    passkeys_not_here:
        "None can be made or used at this address: a passkey belongs to a name that is reached by https, or to localhost. Whoever runs this server sets it as DUMONT_PUBLIC_URL.",
        "Neste endereço não se pode criar nem usar nenhuma: uma chave de acesso pertence a um nome acessado por https, ou a localhost. Quem administra este servidor o define em DUMONT_PUBLIC_URL.";
    passkey_site: "Works at", "Vale em";
    passkey_name: "Name of the passkey", "Nome da chave de acesso";
    passkey_name_hint: "So that you know it again, such as the device that keeps it.", "Para você reconhecê-la, como o dispositivo que a guarda.";
    passkey_add: "Add a passkey", "Adicionar uma chave de acesso";
    passkey_added: "The passkey is added.", "A chave de acesso foi adicionada.";
    passkey_rename: "Rename", "Renomear";
    passkey_new_name: "New name", "Novo nome";
    said_passkey_renamed: "The passkey is renamed.", "A chave de acesso foi renomeada.";
    said_passkey_removed: "The passkey is removed. Remove it from your device, too.", "A chave de acesso foi removida. Remova-a também do seu dispositivo.";
    passkey_use: "Use a passkey", "Usar uma chave de acesso";
    passkey_no_script: "Passkeys need JavaScript. Without it, use a code.", "Chaves de acesso precisam de JavaScript. Sem ele, use um código.";
    passkey_unsupported: "This browser is too old for passkeys here. Use a code.", "Este navegador é antigo demais para chaves de acesso aqui. Use um código.";
    passkey_elsewhere: "Passkeys work at {site} only. Open Dumont there, or use a code.", "As chaves de acesso só valem em {site}. Abra o Dumont por lá, ou use um código.";
    passkey_failed: "The server did not ask for a passkey. Try again, or use a code.", "O servidor não pediu uma chave de acesso. Tente de novo, ou use um código.";
    passkey_not_used: "Your device gave none: it has none for this account, or it was not allowed to. Try again, or use a code.", "Seu dispositivo não deu nenhuma: ele não tem nenhuma para esta conta, ou não recebeu permissão. Tente de novo, ou use um código.";
    passkey_not_made: "Your device made none: it keeps one for this account already, or it was not allowed to.", "Seu dispositivo não criou nenhuma: ele já guarda uma para esta conta, ou não recebeu permissão.";
    wrong_passkey: "The passkey is not accepted.", "A chave de acesso não foi aceita.";
    passkey_expired: "It took too long, or the page was used already. Try again.", "Demorou demais, ou a página já foi usada. Tente de novo.";
    passkey_copied: "The passkey's counter has not gone on: there may be a copy of it. Remove it, and use another one or a code.", "O contador da chave de acesso não avançou: pode haver uma cópia dela. Remova-a e use outra, ou um código.";
    factor_recovery_code: "Recovery code", "Código de recuperação";
    factor_recovery_hint: "One of the codes that you were given with the passkey.", "Um dos códigos que você recebeu com a chave de acesso.";
    said_factor_removed: "The second factor is off.", "O segundo fator está desativado.";
    sharing: "Sharing", "Compartilhamento";
    shared_given: "Who may see your machines", "Quem pode ver suas máquinas";
    shared_what:
        "Another account, someone on call for example, can look at machines or operate them. It reaches protected machines and nothing else: no keys, settings, rentals, and no removal. What they do is in your audit log.",
        "Outra conta, de quem está de plantão por exemplo, pode olhar máquinas ou operá-las. Alcança máquinas protegidas e mais nada: nem chaves, nem configurações, nem aluguéis, nem remoção. O que ela faz fica na sua auditoria.";
    shared_nobody: "Nobody but you.", "Ninguém além de você.";
    shared_to: "Account", "Conta";
    shared_to_hint: "User name or e-mail. It has a week to accept; whether there is such an account is not told.", "Nome de usuário ou e-mail. Ela tem uma semana para aceitar; não se diz se essa conta existe.";
    shared_give: "Share machines", "Compartilhar máquinas";
    shared_offer: "Offer it", "Oferecer";
    shared_all: "all", "todas";
    shared_all_tick: "All of them, later ones too", "Todas, também as futuras";
    shared_all_hint: "Then those ticked above do not matter.", "Nesse caso as marcadas acima não importam.";
    shared_gone: "gone", "não existem mais";
    shared_choose: "Tick at least one machine, or all of them.", "Marque pelo menos uma máquina, ou todas.";
    shared_until_revoked: "when it is revoked", "quando for revogado";
    shared_offered: "not accepted yet", "ainda não aceito";
    shared_declined: "refused or given up", "recusado ou devolvido";
    level_read: "look", "olhar";
    level_operate: "operate", "operar";
    level_hint:
        "Operate: failovers, moves, drills, pausing, starting, the copy and deletions held back. Some of these spend your money.",
        "Operar: failovers, mudanças, ensaios, pausar, ligar, a cópia e exclusões retidas. Parte disso gasta o seu dinheiro.";
    shared_received: "Offered to you and shared with you", "Oferecido a você e compartilhado com você";
    shared_received_what:
        "What you accept is on the page of machines, and its news among yours. Both sides see in the audit log what you do.",
        "O que você aceita aparece na página de máquinas, e suas notícias entre as suas. Os dois lados veem na auditoria o que você faz.";
    shared_owner: "Whose", "De quem";
    shared_machines_one: "{n} machine", "{n} máquina";
    shared_machines_many: "{n} machines", "{n} máquinas";
    shared_accept: "Accept", "Aceitar";
    shared_decline: "Refuse", "Recusar";
    shared_leave: "Give it up", "Devolver";
    shared_with_you: "Shared with you", "Compartilhadas com você";
    shared_offers: "Another account offers to share machines with you.", "Outra conta oferece compartilhar máquinas com você.";
    shared_offers_see: "Look at the offer", "Ver a oferta";
    shared_by_read: "Shared by {owner}: you may look", "Compartilhada por {owner}: você pode olhar";
    shared_by_operate: "Shared by {owner}: you may operate it", "Compartilhada por {owner}: você pode operá-la";
    share_machine: "Share this machine", "Compartilhar esta máquina";
    share_machine_what: "Lets another account look at it or operate it.", "Deixa outra conta olhá-la ou operá-la.";
    said_grant_given: "Offered. It counts once that account accepts.", "Oferecido. Vale quando essa conta aceitar.";
    said_grant_revoked: "Revoked. What was begun goes on; nothing new can be begun.", "Revogado. O que começou continua; nada novo pode começar.";
    said_grant_accepted: "Accepted. The machines are on the page of machines.", "Aceito. As máquinas estão na página de máquinas.";
    said_grant_declined: "Given up.", "Devolvido.";
    code_title: "One more step", "Mais um passo";
    code_what: "The password is right. This account also asks for its second factor.", "A senha está certa. Esta conta também pede o segundo fator.";
    code_lost:
        "Phone or passkey lost? A recovery code opens as well. Without one, whoever runs this server can remove the second factor with dumont user remove-second-factor.",
        "Perdeu o celular ou a chave de acesso? Um código de recuperação também serve. Sem nenhum, quem administra este servidor pode remover o segundo fator com dumont user remove-second-factor.";
}
