// A policy that denies the commands of a list, whatever shell or wrapper they are run by.

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config.h"
#include "plugin.h"

// How a command compares with an entry of the list.
typedef enum { NO, PERHAPS, YES } match;

static member deny = {.name = "deny", .is_list = true};

static bool is_blank(char byte) { return byte == ' ' || byte == '\t'; }

// The next word of an entry; its length is 0 at the end.
static size_t next_word(const char **entry, const char **word) {
  while (is_blank(**entry)) ++*entry;
  *word = *entry;
  while (**entry && !is_blank(**entry)) ++*entry;
  return (size_t)(*entry - *word);
}

bool exports_weir_plugin_plugin_init(plugin_string_t *config, exports_weir_plugin_plugin_failure_t *err) {
  const char *problem = config_read(config->ptr, config->len, &deny, 1);
  char place[96];
  for (size_t index = 0; !problem && index < deny.count; index++) {
    const char *entry = deny.values[index].bytes, *word;
    if (next_word(&entry, &word) == 0) {
      snprintf(place, sizeof place, "`deny[%zu]`: expected the words of a command, saw none", index);
      problem = place;
    }
  }
  plugin_string_free(config);
  if (!problem) return true;
  plugin_string_dup(&err->code, "bad-config");
  plugin_string_dup(&err->message, problem);
  return false;
}

// Compares word by word. The program may be written with a path.
static match compare(const weir_plugin_host_simple_command_t *command, const char *entry) {
  const char *expected;
  size_t length;
  for (size_t index = 0; (length = next_word(&entry, &expected)) > 0; index++) {
    if (index >= command->argv.len) return NO;
    const weir_plugin_host_word_t *word = &command->argv.ptr[index];
    // Only the shell will know.
    if (!word->literal) return PERHAPS;
    const uint8_t *text = word->text.ptr, *end = text + word->text.len;
    for (const uint8_t *at = text; index == 0 && at < end; at++) {
      if (*at == '/') text = at + 1;
    }
    if ((size_t)(end - text) != length || memcmp(text, expected, length)) return NO;
  }
  return YES;
}

static void decide(exports_weir_plugin_policy_decision_t *decision, weir_plugin_types_verdict_t verdict, const char *rule,
                   const char *format, ...) {
  char reason[512];
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(reason, sizeof reason, format, arguments);
  va_end(arguments);
  decision->verdict = verdict;
  decision->rule.is_some = decision->reason.is_some = true;
  plugin_string_dup(&decision->rule.val, rule);
  plugin_string_dup(&decision->reason.val, reason);
}

// Denies if one of the commands is on the list, asks if one may be, and passes otherwise: others may know better.
static void judge(const weir_plugin_host_script_t *script, exports_weir_plugin_policy_decision_t *decision) {
  const char *unclear = NULL;
  for (size_t at = 0; at < script->commands.len; at++) {
    for (size_t index = 0; index < deny.count; index++) {
      const char *entry = deny.values[index].bytes;
      match matches = compare(&script->commands.ptr[at], entry);
      if (matches == YES) {
        decide(decision, WEIR_PLUGIN_TYPES_VERDICT_DENY, entry, "`%s` is on the list of denied commands", entry);
        return;
      }
      if (matches == PERHAPS) unclear = entry;
    }
  }
  if (unclear) {
    decide(decision, WEIR_PLUGIN_TYPES_VERDICT_ASK, "unclear", "this may run `%s`, which is denied", unclear);
  } else if (deny.count > 0 && script->opaque.len > 0) {
    const plugin_string_t *why = script->opaque.ptr;
    // Cut at a byte, it could end within a character, and the host takes text alone.
    int length = why->len < 400 ? (int)why->len : 0;
    decide(decision, WEIR_PLUGIN_TYPES_VERDICT_ASK, "opaque", "what this runs cannot be seen: %.*s", length, why->ptr);
  }
}

bool exports_weir_plugin_policy_check(exports_weir_plugin_policy_command_t *cmd,
                                      exports_weir_plugin_policy_borrow_invocation_t inv,
                                      exports_weir_plugin_policy_decision_t *ret,
                                      exports_weir_plugin_policy_failure_t *err) {
  (void)err;
  // Not the words of the command: what they run, as far as the host can see through them.
  weir_plugin_host_script_t script;
  weir_plugin_host_method_invocation_script(inv, &script);
  memset(ret, 0, sizeof *ret);
  ret->verdict = WEIR_PLUGIN_TYPES_VERDICT_PASS;
  judge(&script, ret);
  weir_plugin_host_script_free(&script);
  exports_weir_plugin_policy_command_free(cmd);
  weir_plugin_host_invocation_drop_borrow(inv);
  return true;
}
