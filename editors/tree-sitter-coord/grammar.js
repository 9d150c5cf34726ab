/**
 * @file The shape of `.coord`: `word args… { block }`.
 * @license MIT OR Apache-2.0
 *
 * Follows grammar/coord.pest of the compiler. No word is reserved: a statement is whatever word
 * stands where a statement may begin. Those of the language are told apart there, and only there,
 * so that a query can speak of `(keyword "task")`; everything else is the queries' business.
 * Numbers with letters are sorted by their unit, and what has no unit of the language is a plain
 * `quantity`.
 */

/// <reference types="tree-sitter-cli/dsl" />
// @ts-check

const IDENT = /[\p{XID_Start}_]\p{XID_Continue}*(-\p{XID_Continue}+)*/;
const NUM = '[0-9]+(_[0-9]+)*(\\.[0-9]+)?';
const YMD = '[0-9]{4}-[0-9]{2}-[0-9]{2}';
const HM = '[0-9]{1,2}:[0-9]{2}(:[0-9]{2})?';

/**
 * A number with one of the language's units. Without a precedence: the longest token wins, and of
 * equal ones the rule that stands first, so `4h` is a duration and `4hours` a `quantity`.
 * @param {string} pattern
 */
const unit = pattern => token(new RustRegex(pattern));

const STATEMENTS = Object.keys(require('../words.json'));

module.exports = grammar({
  name: 'coord',

  word: $ => $.word,

  externals: $ => [
    $._newline, // ends a statement
    $._soft_newline, // inside `[ ]` and `( )`
    $._chars, // of a text in double quotes
    $._raw_chars,
    $.fence_start,
    $.language,
    $._fence_open, // the line end behind it
    $._fence_text,
    $.fence_end,
    $._error_sentinel,
  ],

  extras: $ => [/[ \t\r\uFEFF]/, $.comment, $.doc_comment],

  conflicts: _ => [],

  rules: {
    source_file: $ => seq(repeat($._line), optional(alias($._plain, $.statement))),

    // a statement ends with its line or with its block, so that what stands behind its word is never
    // the word of another
    _line: $ =>
      choice(
        $._newline,
        seq(alias($._plain, $.statement), $._newline),
        alias($._with_block, $.statement),
      ),

    // `##` belongs to the next declaration
    doc_comment: _ => token(prec(1, /##[^\r\n]*/)),
    comment: _ => token(/#([^#\r\n][^\r\n]*)?/),

    _plain: $ => $._head,
    _with_block: $ => seq($._head, field('body', $.block)),
    _head: $ => prec.right(seq(field('keyword', $.keyword), repeat($._argument))),

    // one that the language does not know is a `word` in it
    keyword: $ => choice(...STATEMENTS, $.word),

    block: $ =>
      seq('{', repeat($._line), optional(alias($._plain, $.statement)), '}'),

    _argument: $ => choice($._value, $.fence, $.operator),

    _value: $ =>
      choice(
        $.call,
        $.path,
        $.word,
        $.string,
        $.raw_string,
        $.range,
        $._scalar,
        $.list,
        $.group,
      ),

    // a comma, a line end, or both
    list: $ => seq('[', repeat(choice($._soft_newline, ',', $._value, $.operator)), ']'),
    group: $ => seq('(', repeat(choice($._soft_newline, ',', $._value, $.operator)), ')'),

    // `deploy(env: prod)`: no blank before the bracket
    call: $ => seq(field('name', choice($.path, $.word)), field('arguments', $.arguments)),
    arguments: $ =>
      seq(
        token.immediate(prec(1, '(')),
        repeat(choice($._soft_newline, ',', $.argument, $._value, $.operator)),
        ')',
      ),
    argument: $ =>
      prec.right(1, seq(field('name', $.word), ':', field('value', $._value))),

    word: _ => token(IDENT),
    path: $ =>
      prec.right(
        seq(
          $.word,
          repeat1(
            seq(token.immediate('.'), choice(alias(token.immediate(IDENT), $.word), alias(token.immediate('*'), $.wildcard))),
          ),
        ),
      ),

    // `2..3`, `2d..3d..6d`, open `6..`
    range: $ =>
      prec.right(
        1,
        seq(
          $._scalar,
          '..',
          optional(seq(choice($._scalar, $.word), optional(seq('..', $._scalar)))),
        ),
      ),

    _scalar: $ =>
      choice(
        $.instant,
        $.date,
        $.time,
        $.percent,
        $.duration,
        $.working_time,
        $.factor,
        $.bytes,
        $.money,
        $.rate,
        $.number,
        $.quantity,
      ),

    instant: _ => unit(`${YMD}T${HM}(Z|[+-]${HM})?`),
    date: _ => unit(YMD),
    time: _ => unit(HM),
    percent: _ => unit(`${NUM}%`),
    duration: _ => unit(`(${NUM}(ms|s|m|h|d|w))+`),
    working_time: _ => unit(`(${NUM}(wd|wh))+`),
    factor: _ => unit(`${NUM}x`),
    bytes: _ => unit(`${NUM}([kKMGTP]i?)?B`),
    money: _ => unit(`${NUM}[A-Z]{3}`),
    rate: _ => unit(`${NUM}[A-Z]{3}/(ms|s|m|h|d|w|wd|wh|hour|day|week|month|year)`),
    number: _ => unit(NUM),
    // a unit is judged later; `4hours` is one token all the same
    quantity: _ => token(new RustRegex(`${NUM}\\p{XID_Start}(\\p{XID_Continue}|/\\p{XID_Start})*`)),

    operator: _ =>
      choice('->', '>=', '<=', '==', '!=', '..', '>', '<', '|', '=', '+', '-', '*', '/', ':', '?', '~'),

    // the texts themselves are the scanner's: as tokens they would swallow what stands behind a
    // mistake anywhere
    string: $ =>
      seq(
        '"',
        repeat(
          choice(
            alias($._chars, $.string_content),
            $.escape_sequence,
            $.bad_escape,
            $.interpolation,
          ),
        ),
        token.immediate('"'),
      ),
    escape_sequence: _ => token.immediate(prec(1, /\\(["\\nt$]|u\{[0-9A-Fa-f]{1,6}\})|\$\$/)),
    bad_escape: _ => token.immediate(/\\[^\r\n]/),
    interpolation: $ => seq(token.immediate('${'), choice($.path, $.word), '}'),

    // no escapes, one line
    raw_string: $ => seq("'", optional(alias($._raw_chars, $.string_content)), token.immediate("'")),

    // the scanner counts the backticks: a longer fence holds shorter ones
    fence: $ =>
      seq(
        $.fence_start,
        optional(field('language', $.language)),
        $._fence_open,
        optional(field('content', $.fence_content)),
        $.fence_end,
      ),
    fence_content: $ => repeat1(choice($._fence_text, $.interpolation)),
  },
});
