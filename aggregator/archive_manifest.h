/* The manifest beside an archive file: its SHA-256, and those of the segments that it was made of.
 */
#ifndef AGENTLOG_AGGREGATOR_ARCHIVE_MANIFEST_H
#define AGENTLOG_AGGREGATOR_ARCHIVE_MANIFEST_H

#include "format/archive_source.h"

#define ALOG_MANIFEST_SUFFIX ".manifest.json"

/*
 * Write the manifest of the archive file at `path`, which has none yet, out of the file alone; it
 * is synced and in its place, or not there. ALOG_IO, ALOG_NO_MEMORY, ALOG_CORRUPT.
 */
enum alog_status alog_manifest_write(const struct alog_io *io, const char *path,
                                     struct alog_error *error);

#endif
