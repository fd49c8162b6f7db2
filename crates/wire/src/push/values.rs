//! One value of a message. Each reader takes the form that the station prints at a glance and leaves everything else to
//! a slower one behind it, out of line.

use super::Sign;
use super::scan::Cursor;
use super::words::{Form, eight_digits, pairs};
use crate::jst::{self, Date, WireTime};
use crate::num::{Price, Qty};

/// `"2026-09-18T10:15:42+09:00"` in words that begin at 0, 8, 16 and 19.
const TIME: [Form; 4] = [
    Form::new(b"\"0000-00"),
    Form::new(b"-00T00:0"),
    Form::new(b"0:00+#9:"),
    Form::new(b"0+#9:##\""),
];
const TIME_AT: [usize; 4] = [0, 8, 16, 19];
const TIME_LEN: usize = 27;
/// `"0101"`.
const CODE_LEN: usize = 6;

/// Outer `None`: nothing that is plainly such a value. Inner `None`: null.
impl Cursor<'_> {
    /// A price; `end` is what usually stands behind it.
    #[inline(always)]
    pub(super) fn price(&mut self, end: u8) -> Option<Option<Price>> {
        match self.usual_number(end) {
            Some(number) => {
                self.skip(number.len());
                Some(Some(Price(number.tenths() * 1_000)))
            }
            None => self.any_price(),
        }
    }

    /// A quantity; `end` is what usually stands behind it.
    #[inline(always)]
    pub(super) fn quantity(&mut self, end: u8) -> Option<Option<Qty>> {
        if let Some(number) = self.usual_number(end)
            && let Some(whole) = number.whole()
        {
            self.skip(number.len());
            return Some(Some(Qty(whole)));
        }
        self.any_quantity()
    }

    /// An exchange.
    #[inline(always)]
    pub(super) fn exchange(&mut self) -> Option<Option<u16>> {
        match self.ahead()? {
            [digit @ b'0'..=b'9', b','] => {
                self.skip(1);
                Some(Some(u16::from(digit - b'0')))
            }
            _ => self.any_quantity()?.map(|n| u16::try_from(n.0)).transpose().ok(),
        }
    }

    /// A quote code.
    #[inline(always)]
    pub(super) fn sign(&mut self) -> Option<Option<Sign>> {
        match self.code() {
            Some(code) => Some(Some(Sign(code))),
            None => self.any_sign(),
        }
    }

    /// A time. What cannot be read is for the lenient decoder to mark.
    #[inline]
    pub(super) fn time(&mut self) -> Option<Option<WireTime>> {
        match self.usual_time() {
            Some(time) => Some(Some(time)),
            None => self.any_time(),
        }
    }

    /// Steps over what is usually a number with one decimal.
    #[inline(always)]
    pub(super) fn pass_number(&mut self) -> Option<()> {
        match self.usual_number(b',') {
            Some(number) => {
                self.skip(number.len());
                Some(())
            }
            None => self.pass(),
        }
    }

    /// Steps over what is usually a number with several decimals, or a long one.
    #[inline(always)]
    pub(super) fn pass_decimals(&mut self) -> Option<()> {
        match self.usual_decimals() {
            Some(len) => {
                self.skip(len);
                Some(())
            }
            None => self.pass(),
        }
    }

    /// Steps over what is usually a time.
    #[inline(always)]
    pub(super) fn pass_time(&mut self) -> Option<()> {
        let mut odd = 0;
        if let Some(text) = self.ahead::<TIME_LEN>() {
            for (form, at) in TIME.iter().zip(TIME_AT) {
                form.read(word(text, at), &mut odd);
            }
            if odd == 0 {
                self.skip(TIME_LEN);
                return Some(());
            }
        }
        self.pass()
    }

    /// Steps over what is usually a code of four digits.
    #[inline(always)]
    pub(super) fn pass_code(&mut self) -> Option<()> {
        match self.code() {
            Some(_) => Some(()),
            None => self.pass(),
        }
    }

    /// Steps over any scalar.
    #[inline(never)]
    pub(super) fn pass(&mut self) -> Option<()> {
        if self.null() {
            return Some(());
        }
        match self.usual_decimals() {
            Some(len) => {
                self.skip(len);
                Some(())
            }
            None => self.skip_scalar(),
        }
    }

    /// `"0101"`.
    #[inline(always)]
    fn code(&mut self) -> Option<u16> {
        const CODE: Form = Form::new(b"\"0000\",\"");
        let mut odd = 0;
        let values = CODE.read(u64::from_le_bytes(*self.ahead()?), &mut odd);
        // What stands behind the code is no part of it.
        if odd << (64 - 8 * CODE_LEN) != 0 {
            return None;
        }
        self.skip(CODE_LEN);
        Some(eight_digits((values & 0x00FF_FFFF_FF00) << 24) as u16)
    }

    #[inline(always)]
    fn usual_time(&mut self) -> Option<WireTime> {
        let text = self.ahead::<TIME_LEN>()?;
        let mut odd = 0;
        let a = TIME[0].read(word(text, TIME_AT[0]), &mut odd);
        let b = TIME[1].read(word(text, TIME_AT[1]), &mut odd);
        let c = TIME[2].read(word(text, TIME_AT[2]), &mut odd);
        TIME[3].read(word(text, TIME_AT[3]), &mut odd);
        if odd != 0 {
            return None;
        }
        let (date, clock, second) = (pairs(a), pairs(b), pairs(c)[2]);
        let minute = (b >> 56) as u8 * 10 + c as u8;
        let (year, month, day, hour) = (
            i32::from(date[1]) * 100 + i32::from(date[3]),
            date[6],
            clock[1],
            clock[4],
        );
        if hour > 23 || minute > 59 || second > 59 {
            return None;
        }
        let midnight_s = Date::new(year, month, day)?.midnight_s();
        self.skip(TIME_LEN);
        Some(WireTime {
            unix_s: midnight_s + i64::from(hour) * 3600 + i64::from(minute) * 60 + i64::from(second),
            jst_offset: true,
        })
    }

    #[inline(never)]
    fn any_price(&mut self) -> Option<Option<Price>> {
        if self.null() {
            return Some(None);
        }
        self.number().map(|n| Some(Price(n.e4)))
    }

    #[inline(never)]
    fn any_quantity(&mut self) -> Option<Option<Qty>> {
        if self.null() {
            return Some(None);
        }
        self.number()?.whole().map(Some)
    }

    #[inline(never)]
    fn any_sign(&mut self) -> Option<Option<Sign>> {
        if self.null() {
            return Some(None);
        }
        Some(Some(Sign::of(self.string()?)))
    }

    #[inline(never)]
    fn any_time(&mut self) -> Option<Option<WireTime>> {
        if self.null() {
            return Some(None);
        }
        jst::parse(self.string()?).map(Some)
    }
}

#[inline(always)]
fn word(text: &[u8; TIME_LEN], at: usize) -> u64 {
    u64::from_le_bytes(*text[at..].first_chunk().expect("the last word ends with the text"))
}
