use super::Lower;
use super::args::Args;
use crate::model::Happening;
use crate::source::Spanned;
impl<'s> Lower<'_, 's> {
    pub(super) fn happening(&mut self, args: &mut Args<'_, 's>) -> Option<Spanned<Happening>> {
        args.rest();
        None
    }
}
