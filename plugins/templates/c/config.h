// The configuration: a JSON object whose members are strings and lists of strings.

#ifndef CONFIG_H
#define CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// Bytes that end with a zero which is not counted.
typedef struct {
  char *bytes;
  size_t length;
} text;

// A member that is expected.
typedef struct {
  const char *name;
  // Whether its value is a list of strings; else it is one string.
  bool is_list;
  // What was found: `count` strings, at most one if it is no list. None at first.
  text *values;
  size_t count;
} member;

// Reads the object and fills the members in. NULL if all is well; else what is wrong with it, in words for a person:
// unknown members and other types are refused. What it gives is never freed: each instance reads its configuration once.
const char *config_read(const uint8_t *json, size_t length, member *members, size_t member_count);

#endif
