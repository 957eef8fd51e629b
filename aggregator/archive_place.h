/* Where an archive is made, and with which options: what every run over one begins with. */
#ifndef AGENTLOG_AGGREGATOR_ARCHIVE_PLACE_H
#define AGENTLOG_AGGREGATOR_ARCHIVE_PLACE_H

#include <agentlog/archive.h>

#include "format/io.h"

/* The caller's options, checked, with the defaults in place of zeros. ALOG_INVALID. */
enum alog_status alog_archive_fill_options(const struct alog_archive_options *given,
                                           struct alog_archive_options *options,
                                           struct alog_error *error);

/* Make the directory if it is not there, and keep other runs out until *ret_fd is closed.
 * ALOG_LOCKED, ALOG_INVALID (everybody may write to it), ALOG_IO, ALOG_READ_ONLY. */
enum alog_status alog_archive_lock(const struct alog_io *io, const char *archive_dir, int *ret_fd,
                                   struct alog_error *error);

/* Remove what a killed run left half made of a day (10 characters); the lock must be held. */
void alog_archive_sweep_day(const struct alog_io *io, const char *archive_dir, const char *day);

#endif
