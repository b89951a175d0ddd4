// Reads JSON as far as config.h has it: RFC 8259, objects, lists and strings.

#include "config.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct {
  const uint8_t *at;
  const uint8_t *end;
  // What is wrong, once something is.
  char *problem;
} reader;

static bool fail(reader *in, const char *format, ...) {
  if (!in->problem) {
    va_list arguments;
    va_start(arguments, format);
    in->problem = malloc(256);
    vsnprintf(in->problem, 256, format, arguments);
    va_end(arguments);
  }
  return false;
}

// The next byte that is no blank; 0 at the end.
static int next(reader *in) {
  while (in->at < in->end && strchr(" \t\r\n", *in->at)) in->at++;
  return in->at < in->end ? *in->at : 0;
}

static bool take(reader *in, char wanted, const char *where) {
  int seen = next(in);
  if (seen != wanted) {
    return fail(in, "%s: expected `%c`, saw %s%c%s", where, wanted, seen ? "`" : "the end", seen ? seen : ' ', seen ? "`" : "");
  }
  in->at++;
  return true;
}

static bool hex4(reader *in, uint32_t *code) {
  *code = 0;
  for (int digit = 0; digit < 4; digit++, in->at++) {
    if (in->at >= in->end || !*in->at) return fail(in, "expected four hexadecimal digits after `\\u`");
    const char *digits = "0123456789abcdef", *found = strchr(digits, *in->at | 0x20);
    if (!found) return fail(in, "expected four hexadecimal digits after `\\u`");
    *code = *code << 4 | (uint32_t)(found - digits);
  }
  return true;
}

static char *put_utf8(char *out, uint32_t code) {
  if (code < 0x80) {
    *out++ = (char)code;
    return out;
  }
  int more = code < 0x800 ? 1 : code < 0x10000 ? 2 : 3;
  *out++ = (char)((more == 1 ? 0xc0 : more == 2 ? 0xe0 : 0xf0) | code >> (6 * more));
  while (more--) *out++ = (char)(0x80 | (code >> (6 * more) & 0x3f));
  return out;
}

static bool escape(reader *in, char **out) {
  if (in->at >= in->end) return fail(in, "expected the end of a string, saw the end");
  int letter = *in->at++;
  const char *letters = "\"\\/bfnrt", *bytes = "\"\\/\b\f\n\r\t";
  const char *found = letter ? strchr(letters, letter) : NULL;
  if (found) {
    *(*out)++ = bytes[found - letters];
    return true;
  }
  uint32_t code, low;
  if (letter != 'u') return fail(in, "expected an escape such as `\\n`, saw `\\%c`", letter);
  if (!hex4(in, &code)) return false;
  if (code >= 0xd800 && code < 0xdc00 && in->end - in->at >= 6 && in->at[0] == '\\' && in->at[1] == 'u') {
    in->at += 2;
    if (!hex4(in, &low)) return false;
    if (low < 0xdc00 || low > 0xdfff) return fail(in, "expected the second half of a pair of surrogates");
    code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
  }
  if (code >= 0xd800 && code < 0xe000) return fail(in, "expected a pair of surrogates, saw half of one");
  *out = put_utf8(*out, code);
  return true;
}

static bool string(reader *in, text *value, const char *where) {
  int seen = next(in);
  if (seen != '"') {
    const char *what = seen == '{' ? "an object" : seen == '[' ? "a list" : seen == 't' || seen == 'f' ? "true or false"
                       : seen == 'n' ? "null" : seen ? "a number" : "the end";
    return fail(in, "%s: expected a string, saw %s", where, what);
  }
  in->at++;
  // No escape is shorter than what it stands for.
  char *out = value->bytes = malloc((size_t)(in->end - in->at) + 1);
  for (;;) {
    if (in->at >= in->end) return fail(in, "%s: expected the end of a string, saw the end", where);
    int byte = *in->at++;
    if (byte == '"') break;
    if (byte != '\\') {
      *out++ = (char)byte;
    } else if (!escape(in, &out)) {
      return false;
    }
  }
  *out = 0;
  value->length = (size_t)(out - value->bytes);
  return true;
}

static bool list(reader *in, member *found, const char *where) {
  if (next(in) != '[') return fail(in, "%s: expected a list of strings", where);
  in->at++;
  if (next(in) == ']') return in->at++, true;
  do {
    char place[96];
    snprintf(place, sizeof place, "`%s[%zu]`", found->name, found->count);
    found->values = realloc(found->values, (found->count + 1) * sizeof(text));
    if (!string(in, &found->values[found->count++], place)) return false;
  } while (next(in) == ',' && in->at++);
  return take(in, ']', where);
}

static bool object(reader *in, member *members, size_t member_count) {
  if (!take(in, '{', "the configuration")) return false;
  if (next(in) == '}') return in->at++, true;
  do {
    text name;
    char place[96];
    if (!string(in, &name, "a member's name")) return false;
    snprintf(place, sizeof place, "`%.64s`", name.bytes);
    member *found = NULL;
    for (size_t index = 0; index < member_count; index++) {
      if (!strcmp(members[index].name, name.bytes)) found = &members[index];
    }
    if (!found) return fail(in, "expected `%s`%s, saw %s", members[0].name, member_count > 1 ? " and the like" : " alone", place);
    if (!take(in, ':', place)) return false;
    found->count = 0;
    found->values = NULL;
    if (found->is_list) {
      if (!list(in, found, place)) return false;
    } else {
      found->values = malloc(sizeof(text));
      found->count = 1;
      if (!string(in, found->values, place)) return false;
    }
  } while (next(in) == ',' && in->at++);
  return take(in, '}', "the configuration");
}

const char *config_read(const uint8_t *json, size_t length, member *members, size_t member_count) {
  reader in = {json, json + length, NULL};
  if (object(&in, members, member_count) && next(&in)) fail(&in, "expected nothing after the object, saw more");
  return in.problem;
}
