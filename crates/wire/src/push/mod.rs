//! One PUSH message or `/board` answer: the whole quote state of one symbol.
