// What a regular expression cannot say about `.coord`: which line ends count, and where a fence
// of backticks ends.

#include "tree_sitter/alloc.h"
#include "tree_sitter/parser.h"

#include <wctype.h>

enum TokenType {
  NEWLINE,
  SOFT_NEWLINE,
  CHARS,
  RAW_CHARS,
  FENCE_START,
  LANGUAGE,
  FENCE_OPEN,
  FENCE_TEXT,
  FENCE_END,
  ERROR_SENTINEL,
};

// All that is remembered between two tokens.
typedef struct {
  uint8_t backticks; // that opened the fence
  bool at_end;       // its closing line comes next
} Scanner;

void *tree_sitter_coord_external_scanner_create(void) { return ts_calloc(1, sizeof(Scanner)); }

void tree_sitter_coord_external_scanner_destroy(void *payload) { ts_free(payload); }

unsigned tree_sitter_coord_external_scanner_serialize(void *payload, char *buffer) {
  Scanner *scanner = payload;
  buffer[0] = (char)scanner->backticks;
  buffer[1] = (char)scanner->at_end;
  return 2;
}

void tree_sitter_coord_external_scanner_deserialize(void *payload, const char *buffer,
                                                    unsigned length) {
  Scanner *scanner = payload;
  scanner->backticks = length > 0 ? (uint8_t)buffer[0] : 0;
  scanner->at_end = length > 1 && buffer[1] != 0;
}

static void advance(TSLexer *lexer) { lexer->advance(lexer, false); }
static void skip(TSLexer *lexer) { lexer->advance(lexer, true); }

static bool accept(TSLexer *lexer, enum TokenType token) {
  lexer->result_symbol = token;
  return true;
}

static bool is_blank(int32_t c) { return c == ' ' || c == '\t' || c == '\r' || c == 0xFEFF; }

static bool is_word_start(int32_t c) { return c == '_' || iswalpha((wint_t)c); }
static bool is_word_part(int32_t c) { return c == '_' || iswalnum((wint_t)c); }

// `word … {`, the start of the next statement: then a bracket before it was never closed.
static bool at_statement_line(TSLexer *lexer) {
  while (is_blank(lexer->lookahead) || lexer->lookahead == '\n') advance(lexer);
  if (lexer->lookahead == '}') return true;
  if (!is_word_start(lexer->lookahead)) return false;
  while (!lexer->eof(lexer)) {
    switch (lexer->lookahead) {
      case '{': return true;
      case '\n':
      case ']': return false;
      default: advance(lexer);
    }
  }
  return false;
}

static bool scan_newline(TSLexer *lexer, const bool *valid) {
  advance(lexer);
  lexer->mark_end(lexer);
  bool soft = valid[SOFT_NEWLINE] && !valid[NEWLINE] && !at_statement_line(lexer);
  return accept(lexer, soft ? SOFT_NEWLINE : NEWLINE);
}

// Between double quotes, up to what means something: `\`, `${`, `$$` or the end.
static bool scan_chars(TSLexer *lexer) {
  bool any = false;
  for (;;) {
    lexer->mark_end(lexer);
    if (lexer->eof(lexer)) break;
    int32_t c = lexer->lookahead;
    if (c == '"' || c == '\\' || c == '\n' || c == '\r') break;
    advance(lexer);
    if (c == '$' && (lexer->lookahead == '{' || lexer->lookahead == '$')) break;
    any = true;
  }
  return any && accept(lexer, CHARS);
}

static bool scan_raw_chars(TSLexer *lexer) {
  bool any = false;
  while (!lexer->eof(lexer) && lexer->lookahead != '\'' && lexer->lookahead != '\n' &&
         lexer->lookahead != '\r') {
    advance(lexer);
    any = true;
  }
  lexer->mark_end(lexer);
  return any && accept(lexer, RAW_CHARS);
}

// At most 255 backticks, which is what the state holds.
static bool scan_fence_start(Scanner *scanner, TSLexer *lexer) {
  unsigned count = 0;
  while (lexer->lookahead == '`' && count < UINT8_MAX) {
    advance(lexer);
    count++;
  }
  lexer->mark_end(lexer);
  scanner->backticks = (uint8_t)count;
  scanner->at_end = false;
  return count >= 3 && accept(lexer, FENCE_START);
}

static bool scan_language(TSLexer *lexer) {
  bool any = false;
  while (!lexer->eof(lexer) && lexer->lookahead != '\n') {
    bool blank = is_blank(lexer->lookahead);
    advance(lexer);
    if (blank) continue;
    lexer->mark_end(lexer);
    any = true;
  }
  return any && accept(lexer, LANGUAGE);
}

// The closing line of a fence: blanks, then exactly as many backticks as opened it.
static bool at_fence_end(Scanner *scanner, TSLexer *lexer) {
  while (lexer->lookahead == ' ' || lexer->lookahead == '\t') advance(lexer);
  unsigned count = 0;
  while (lexer->lookahead == '`' && count <= scanner->backticks) {
    advance(lexer);
    count++;
  }
  return count == scanner->backticks;
}

static bool scan_fence_open(Scanner *scanner, TSLexer *lexer) {
  advance(lexer);
  lexer->mark_end(lexer);
  scanner->at_end = at_fence_end(scanner, lexer);
  return accept(lexer, FENCE_OPEN);
}

// `${a.b-c.*}` from behind the dollar sign.
static bool at_interpolation(TSLexer *lexer) {
  if (lexer->lookahead != '{') return false;
  bool first = true;
  do {
    advance(lexer);
    if (lexer->lookahead == '*' && !first) {
      advance(lexer);
    } else if (is_word_start(lexer->lookahead)) {
      bool hyphen = false;
      while (is_word_part(lexer->lookahead) || (lexer->lookahead == '-' && !hyphen)) {
        hyphen = lexer->lookahead == '-';
        advance(lexer);
      }
      if (hyphen) return false;
    } else {
      return false;
    }
    first = false;
  } while (lexer->lookahead == '.');
  return lexer->lookahead == '}';
}

// Text up to the closing line, an interpolation or the end of the file.
static bool scan_fence_text(Scanner *scanner, TSLexer *lexer) {
  bool any = false;
  for (;;) {
    lexer->mark_end(lexer);
    if (lexer->eof(lexer)) break;
    int32_t c = lexer->lookahead;
    advance(lexer);
    if (c == '$' && at_interpolation(lexer)) break;
    any = true;
    if (c != '\n') continue;
    lexer->mark_end(lexer);
    scanner->at_end = at_fence_end(scanner, lexer);
    if (scanner->at_end) break;
  }
  return any && accept(lexer, FENCE_TEXT);
}

static bool scan_fence_end(Scanner *scanner, TSLexer *lexer) {
  while (lexer->lookahead == ' ' || lexer->lookahead == '\t') skip(lexer);
  for (unsigned i = 0; i < scanner->backticks; i++) advance(lexer);
  lexer->mark_end(lexer);
  scanner->backticks = 0;
  scanner->at_end = false;
  return accept(lexer, FENCE_END);
}

// A text that has begun: nothing but its own pieces may follow.
static bool scan_inside(Scanner *scanner, TSLexer *lexer, const bool *valid) {
  if (valid[CHARS]) return scan_chars(lexer);
  if (valid[RAW_CHARS]) return scan_raw_chars(lexer);
  if (scanner->at_end) return valid[FENCE_END] && scan_fence_end(scanner, lexer);
  return valid[FENCE_TEXT] && scan_fence_text(scanner, lexer);
}

bool tree_sitter_coord_external_scanner_scan(void *payload, TSLexer *lexer, const bool *valid) {
  Scanner *scanner = payload;
  // behind a mistake everything is valid: only what stands for itself is taken then
  bool recovering = valid[ERROR_SENTINEL];
  if (!recovering && (valid[CHARS] || valid[RAW_CHARS] || valid[FENCE_TEXT] || valid[FENCE_END])) {
    return scan_inside(scanner, lexer, valid);
  }
  while (is_blank(lexer->lookahead)) skip(lexer);
  if (!recovering && valid[FENCE_OPEN]) {
    if (lexer->lookahead == '\n') return scan_fence_open(scanner, lexer);
    return valid[LANGUAGE] && scan_language(lexer);
  }
  if (lexer->lookahead == '\n' && (valid[NEWLINE] || valid[SOFT_NEWLINE])) {
    return scan_newline(lexer, valid);
  }
  return lexer->lookahead == '`' && valid[FENCE_START] && scan_fence_start(scanner, lexer);
}
