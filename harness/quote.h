/*
 * Text of any bytes inside another language. What is no UTF-8, and characters that the language cannot hold, come
 * out as \xNN, byte by byte. Errors are left to ferror.
 */
#ifndef PX_QUOTE_H
#define PX_QUOTE_H

#include <stdio.h>

/* For people: one line, without control characters. */
void quote_plain(FILE *file, const char *text);

/* A JSON string, with its quotation marks. */
void quote_json(FILE *file, const char *text);

/* Content of an XML element or attribute. */
void quote_xml(FILE *file, const char *text);

/* @path as a URI: file:// when it is absolute, else relative. Percent signs stand for every byte out of the ordinary. */
void quote_uri(FILE *file, const char *path);

#endif
