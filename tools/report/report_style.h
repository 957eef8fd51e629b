/* The page's style sheet, style.css, as embed_style.cmake puts it into the program. */
#ifndef AGENTLOG_TOOLS_REPORT_REPORT_STYLE_H
#define AGENTLOG_TOOLS_REPORT_REPORT_STYLE_H

extern const char report_style[];
/* Its SHA-256 in base64, for the page's content security policy. */
extern const char report_style_sha256[];

#endif
