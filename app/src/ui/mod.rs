//! The pieces that pages are put together from. Each draws what it is given and decides nothing.

pub(crate) mod action;
pub(crate) mod badge;
pub(crate) mod chart;
pub(crate) mod field;
pub(crate) mod icon;
pub(crate) mod live;
pub(crate) mod notice;
pub(crate) mod pager;
pub(crate) mod parts;
pub(crate) mod table;
pub(crate) mod time;
pub(crate) mod top_bar;
pub(crate) mod words;

pub(crate) use self::action::{act_link, go_link, gone_button, post_button, shut_button};
pub(crate) use self::badge::{Tone, badge, kind_badge, mark};
pub(crate) use self::field::{Control, Field, field, hidden, tick};
pub(crate) use self::live::live;
pub(crate) use self::notice::{notice, said};
pub(crate) use self::pager::{Pages, pager};
pub(crate) use self::parts::{
    card, command, empty, heading, properties, stat, tabs, twin, unknown,
};
pub(crate) use self::table::{cell, key_cell, number_cell, table};
pub(crate) use self::time::{ago, ago_or, clock_time, full_time, stamp};
pub(crate) use self::words::words;
