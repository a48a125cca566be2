//! The words of recovery points, in both languages.

/// One field for each text, with both languages beside one another.
macro_rules! texts {
    ($($key:ident: $en:literal, $pt:literal;)+) => {
        /// Texts of recovery points.
        #[derive(Debug)]
        pub(crate) struct PointTexts { $(pub(crate) $key: &'static str,)+ }

        pub(super) const EN: PointTexts = PointTexts { $($key: $en,)+ };
        pub(super) const PT: PointTexts = PointTexts { $($key: $pt,)+ };

        #[cfg(test)]
        impl PointTexts {
            /// Each key with its text, in the order of definition.
            pub(super) fn all(&self) -> Vec<(&'static str, &'static str)> {
                vec![$((stringify!($key), self.$key),)+]
            }
        }
    };
}

texts! {
    sight: "Open files known of", "Arquivos abertos conhecidos";
    sight_none: "of no process: files only held still while they were read", "de nenhum processo: os arquivos só ficaram parados enquanto eram lidos";
    sight_part: "of some processes; other files only held still while they were read", "de alguns processos; outros arquivos só ficaram parados enquanto eram lidos";
    sight_all: "of all processes that the GPU shows", "de todos os processos que a GPU mostra";
    watched: "Changes are heard of", "Mudanças são percebidas";
    watched_yes: "as they happen", "quando acontecem";
    watched_no: "only when everything is looked at: {why}", "só quando tudo é examinado: {why}";
    unwatched_overflow: "the kernel's queue ran over", "a fila do kernel transbordou";
    unwatched_limit: "the GPU's host lets this user watch no more folders", "o host da GPU não deixa este usuário vigiar mais pastas";
    unwatched_unavailable: "the GPU can't watch there", "a GPU não consegue vigiar ali";
    unwatched_too_many: "more changed than is kept a list of", "mudou mais do que cabe na lista";
    unwatched_network: "it is a network file system, to which others write unseen", "é um sistema de arquivos de rede, em que outros escrevem sem ser vistos";
    unwatched_root_replaced: "another folder stands in the workspace's place", "há outra pasta no lugar da área de trabalho";
    drift: "Something wrote to the copy on the standby while it followed. The copy is what the GPU has again.", "Algo escreveu na cópia do standby enquanto ela acompanhava. A cópia voltou a ser o que a GPU tem.";
    drift_what: "Written: {written}. Removed: {removed}. Not readable, and so in no point: {unread}.", "Escritos: {written}. Removidos: {removed}. Não legíveis, e por isso em nenhum ponto: {unread}.";
    drift_point: "It is recovery point {id}.", "É o ponto de recuperação {id}.";
    points: "Recovery points", "Pontos de recuperação";
    points_gpu:
        "The machine runs on its GPU: going back changes the files there and on the standby. What is there now becomes a point first.",
        "A máquina roda na GPU: voltar muda os arquivos lá e no standby. O que está lá agora vira um ponto antes.";
    points_standby:
        "The machine runs on its standby: going back changes the files there. What is there now becomes a point first.",
        "A máquina roda no standby: voltar muda os arquivos lá. O que está lá agora vira um ponto antes.";
    points_rsync:
        "The copy of this machine follows by rsync, which keeps no recovery points: {why}. What syncs replaced or deleted lies on the standby for up to 14 days, in /var/lib/dumont/versions, and can be copied from there over SSH.",
        "A cópia desta máquina acompanha por rsync, que não mantém pontos de recuperação: {why}. O que as sincronizações substituíram ou excluíram fica no standby por até 14 dias, em /var/lib/dumont/versions, e pode ser copiado de lá por SSH.";
    points_unknown:
        "It is not known yet by which means the copy of this machine follows.",
        "Ainda não se sabe por qual meio a cópia desta máquina acompanha.";
    points_none: "There is no recovery point yet.", "Ainda não há nenhum ponto de recuperação.";
    points_count: "Points kept", "Pontos guardados";
    points_proven: "Every content read and hashed since", "Todo conteúdo lido e com hash calculado desde";
    points_history: "Room that earlier points take", "Espaço que os pontos anteriores ocupam";
    points_cut_off: "The copy is not the newest point everywhere.", "A cópia não é o ponto mais novo em toda parte.";
    points_kept:
        "Kept: each of the last 60 seconds, one a minute for an hour, one an hour for a day, one a day for 14 days. The oldest go first where the disk is nearly full.",
        "Guardados: todos os dos últimos 60 segundos, um por minuto durante uma hora, um por hora durante um dia, um por dia durante 14 dias. Os mais antigos saem primeiro quando o disco está quase cheio.";
    col_point: "Point", "Ponto";
    col_made_of: "Made of", "Feito de";
    col_size: "Holds", "Contém";
    col_changed: "Changed", "Mudou";
    col_lacked: "Lacked then", "Faltava então";
    kind_scan: "all of the GPU, read and hashed there", "toda a GPU, lida e com hash calculado lá";
    kind_watched: "what changed on the GPU, read and hashed there", "o que mudou na GPU, lido e com hash calculado lá";
    kind_standby: "what was on the standby, read and hashed there", "o que havia no standby, lido e com hash calculado lá";
    kind_back: "contents of an earlier point", "conteúdos de um ponto anterior";
    lacked_none: "nothing known", "nada conhecido";
    lacked_in_flux: "in flux", "em mudança";
    lacked_corrupt: "not arrived as read", "não chegaram como lidos";
    lacked_not_protected: "not protected", "não protegidos";
    point_pinned: "kept for a drill", "guardado para um ensaio";
    point_go_back: "Go back", "Voltar";
    point_look: "Go back to point {id}", "Voltar ao ponto {id}";
    point_path: "Path below the workspace", "Caminho dentro da área de trabalho";
    point_path_hint: "Empty: the whole workspace. A file, or a folder with all that is in it.", "Vazio: toda a área de trabalho. Um arquivo, ou uma pasta com tudo o que há nela.";
    point_path_look: "Look at this path", "Examinar este caminho";
    point_would: "What going back would change now", "O que voltar mudaria agora";
    point_added: "Files that would be there again", "Arquivos que voltariam a existir";
    point_changed: "Files that would be as they were", "Arquivos que ficariam como eram";
    point_removed: "Files that would not be there any more", "Arquivos que deixariam de existir";
    point_bytes: "Bytes to bring", "Bytes a trazer";
    point_same: "Nothing would change, as far as the newest point tells.", "Nada mudaria, até onde o ponto mais novo diz.";
    point_missing:
        "The contents of {n} files of then are not kept any more: something on the standby wrote over them. It is not possible to go back here.",
        "Os conteúdos de {n} arquivos de então não estão mais guardados: algo no standby escreveu por cima deles. Não é possível voltar aqui.";
    point_list: "Files that would change", "Arquivos que mudariam";
    point_more: "and {count} more", "e mais {count}";
    point_accept: "Change these files under whatever runs there", "Mudar estes arquivos por baixo do que estiver rodando lá";
    point_accept_hint:
        "Processes are not stopped: one that has such a file open goes on with what it had. Stop your job first, or let it read its files anew.",
        "Nenhum processo é parado: quem tem um desses arquivos aberto continua com o que tinha. Pare o seu trabalho antes, ou faça-o ler os arquivos de novo.";
    point_do: "Put the files back", "Devolver os arquivos";
    said_going_back: "The files are being put back.", "Os arquivos estão sendo devolvidos.";
    return_goes_on: "Going back to point {id}: {path}.", "Voltando ao ponto {id}: {path}.";
    return_done:
        "Put back to point {id}: {path}. Files changed: {n}.",
        "Devolvido ao ponto {id}: {path}. Arquivos mudados: {n}.";
    return_before: "What was there before is point {id}.", "O que havia antes é o ponto {id}.";
    return_failed:
        "Not put back to point {id}: {path}. Some files may be as they were then and some not; what was there before is a point where one was made.",
        "Não devolvido ao ponto {id}: {path}. Alguns arquivos podem estar como eram então e outros não; o que havia antes é um ponto, onde um foi feito.";
    return_tried: "It did not work out yet and is tried again.", "Ainda não deu certo, e será tentado de novo.";
    path_all: "the whole workspace", "toda a área de trabalho";
    note_went_back:
        "The files of {machine} are as they were at an earlier recovery point. Files changed: {files}.",
        "Os arquivos de {machine} estão como eram em um ponto de recuperação anterior. Arquivos mudados: {files}.";
    note_go_back_failed:
        "The files of {machine} could not be put back to an earlier recovery point.",
        "Os arquivos de {machine} não puderam ser devolvidos a um ponto de recuperação anterior.";
}
