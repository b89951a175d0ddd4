// A filter that replaces a text by another, wherever the output is cut into chunks.

#include <stdlib.h>
#include <string.h>

#include "config.h"
#include "plugin.h"

static member members[] = {{.name = "find"}, {.name = "replace"}};

static text find, replace;

// One stream: the end of what came so far, as far as it is a beginning of what is looked for.
struct exports_weir_plugin_filter_filter_stream_t {
  uint8_t *held;
  size_t length;
};

typedef struct {
  uint8_t *bytes;
  size_t length, room;
} buffer;

bool exports_weir_plugin_plugin_init(plugin_string_t *config, exports_weir_plugin_plugin_failure_t *err) {
  const char *problem = config_read(config->ptr, config->len, members, 2);
  plugin_string_free(config);
  if (problem) {
    plugin_string_dup(&err->code, "bad-config");
    plugin_string_dup(&err->message, problem);
    return false;
  }
  if (members[0].count) find = *members[0].values;
  if (members[1].count) replace = *members[1].values;
  return true;
}

static void put(buffer *out, const void *bytes, size_t length) {
  if (length == 0) return;
  if (out->length + length > out->room) {
    out->room = 2 * out->room + length;
    out->bytes = realloc(out->bytes, out->room);
    if (!out->bytes) abort();
  }
  memcpy(out->bytes + out->length, bytes, length);
  out->length += length;
}

// The first place of what is looked for; NULL if there is none.
static const uint8_t *search(const uint8_t *at, const uint8_t *end) {
  while ((size_t)(end - at) >= find.length) {
    at = memchr(at, find.bytes[0], (size_t)(end - at) - find.length + 1);
    if (!at || !memcmp(at, find.bytes, find.length)) return at;
    at++;
  }
  return NULL;
}

// Length of the longest end of the bytes that is a beginning of what is looked for.
static size_t beginning_at_end(const uint8_t *at, const uint8_t *end) {
  size_t length = (size_t)(end - at) < find.length - 1 ? (size_t)(end - at) : find.length - 1;
  while (length > 0 && memcmp(end - length, find.bytes, length)) length--;
  return length;
}

bool exports_weir_plugin_filter_static_filter_stream_open(
    exports_weir_plugin_filter_borrow_stream_context_t context,
    exports_weir_plugin_filter_option_own_filter_stream_t *ret, exports_weir_plugin_filter_failure_t *err) {
  (void)err;
  weir_plugin_host_stream_context_drop_borrow(context);
  // Nothing to look for: not for this filter, and the stream costs nothing from here on.
  ret->is_some = find.length > 0;
  if (ret->is_some) ret->val = exports_weir_plugin_filter_filter_stream_new(calloc(1, sizeof(exports_weir_plugin_filter_filter_stream_t)));
  return true;
}

bool exports_weir_plugin_filter_method_filter_stream_push(exports_weir_plugin_filter_borrow_filter_stream_t self,
                                                          plugin_list_u8_t *chunk,
                                                          exports_weir_plugin_filter_chunk_result_t *ret,
                                                          exports_weir_plugin_filter_failure_t *err) {
  (void)err;
  buffer input = {0};
  const uint8_t *at = chunk->ptr, *end = at + chunk->len;
  if (self->length > 0) {
    put(&input, self->held, self->length);
    put(&input, chunk->ptr, chunk->len);
    at = input.bytes;
    end = at + input.length;
  }
  const uint8_t *found = search(at, end);
  if (!found && self->length == 0 && beginning_at_end(at, end) == 0) {
    plugin_list_u8_free(chunk);
    ret->tag = WEIR_PLUGIN_TYPES_CHUNK_RESULT_UNCHANGED;
    return true;
  }
  buffer output = {0};
  for (; found; found = search(at, end)) {
    put(&output, at, (size_t)(found - at));
    put(&output, replace.bytes, replace.length);
    at = found + find.length;
  }
  self->length = beginning_at_end(at, end);
  put(&output, at, (size_t)(end - at) - self->length);
  if (!self->held) self->held = malloc(find.length);
  memcpy(self->held, end - self->length, self->length);
  free(input.bytes);
  plugin_list_u8_free(chunk);
  ret->tag = WEIR_PLUGIN_TYPES_CHUNK_RESULT_BYTES;
  ret->val.bytes.ptr = output.bytes;
  ret->val.bytes.len = output.length;
  return true;
}

// A filter that waits for whole lines would give the line that it has so far. This one holds nothing but a beginning of
// what it looks for: given now, it could not be replaced any more.
bool exports_weir_plugin_filter_method_filter_stream_idle(exports_weir_plugin_filter_borrow_filter_stream_t self,
                                                          plugin_list_u8_t *ret,
                                                          exports_weir_plugin_filter_failure_t *err) {
  (void)self, (void)err;
  *ret = (plugin_list_u8_t){0};
  return true;
}

bool exports_weir_plugin_filter_static_filter_stream_finish(exports_weir_plugin_filter_own_filter_stream_t this_,
                                                            plugin_list_u8_t *ret,
                                                            exports_weir_plugin_filter_failure_t *err) {
  (void)err;
  exports_weir_plugin_filter_filter_stream_t *self = exports_weir_plugin_filter_filter_stream_rep(this_);
  // The rest: what was held back is nothing but itself now. The bindings free it once it is handed over.
  ret->len = self->length;
  ret->ptr = self->held;
  if (self->length == 0) free(self->held);
  self->held = NULL;
  exports_weir_plugin_filter_filter_stream_drop_own(this_);
  return true;
}

void exports_weir_plugin_filter_filter_stream_destructor(exports_weir_plugin_filter_filter_stream_t *rep) {
  free(rep->held);
  free(rep);
}
