/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ctl/top.h"

#include <errno.h>
#include <ncurses.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "ctl/client.h"
#include "ctl/columns.h"
#include "ctl/data.h"
#include "ctl/json.h"
#include "ctl/output.h"

/* Rows beyond what a tall terminal shows are not asked for. */
#define TOP_PROCESSES 200

/* A picture as text, NULL without memory. */
static char *top_text(const DaemonData *now, const DaemonData *previous) {
        char *text = NULL;
        size_t size = 0;
        FILE *f = open_memstream(&text, &size);
        int r;

        if (!f)
                return NULL;
        r = output_top(f, now, previous);
        if (fclose(f) != 0 || r < 0) {
                free(text);
                return NULL;
        }
        return text;
}

/* Puts the picture on the screen; the head, table titles and what is being moved stand out. */
static void draw(char *text) {
        int y = 0, rows = getmaxy(stdscr), width = getmaxx(stdscr);

        erase();
        for (char *line = text; line && *line && y < rows - 1; y++) {
                char *end = strchr(line, '\n');
                bool title;

                if (end)
                        *end = 0;
                title = strstr(line, "NODE CPUS") || strstr(line, "PID NAME");
                text_clip(line, (size_t)width);
                if (title || y == 0)
                        attron(A_BOLD);
                if (title)
                        attron(A_UNDERLINE);
                mvaddstr(y, 0, line);
                if (strstr(line, " moving ") || *line == '[')
                        mvchgat(y, 0, -1, A_BOLD, 0, NULL);
                attroff(A_BOLD | A_UNDERLINE);
                line = end ? end + 1 : NULL;
        }
        attron(A_REVERSE);
        mvhline(rows - 1, 0, ' ', width);
        mvaddnstr(rows - 1, 0, "q quit   order: s score  r remote share  p pid", width);
        attroff(A_REVERSE);
        refresh();
}

/* Waits for the next picture or a key. False: the end is wanted. */
static bool wait_key(uint64_t interval_ns, const char **order) {
        int key;

        timeout((int)(interval_ns / 1000000));
        key = getch();
        if (key == 's')
                *order = "score";
        else if (key == 'r')
                *order = "remote";
        else if (key == 'p')
                *order = "pid";
        /* A terminal that was closed reads as an error at once, again and again. */
        return key != 'q' && (key != ERR || isatty(STDIN_FILENO));
}

static ExitCode run_screen(Client *c, const Options *o) {
        DaemonData now = { 0 }, previous = { 0 };
        const char *order = o->order;
        ExitCode code = EXIT_DONE;

        for (uint32_t i = 0; o->count == 0 || i < o->count; i++) {
                cleanup_free char *text = NULL;

                code = daemon_data_fetch(&now, c, o->max ?: TOP_PROCESSES, order);
                if (code != EXIT_DONE)
                        break;
                text = top_text(&now, previous.stats ? &previous : NULL);
                if (!text) {
                        code = EXIT_FAILED;
                        break;
                }
                draw(text);
                daemon_data_done(&previous);
                previous = now;
                now = (DaemonData) { 0 };
                if (!wait_key(o->interval_ns, &order))
                        break;
        }
        daemon_data_done(&previous);
        return code;
}

/* Cuts every line in place, or a dumb terminal would wrap it. */
static void clip_lines(char *text, size_t width) {
        char *to = text, *next;

        for (char *line = text; line; line = next) {
                size_t n;

                next = strchr(line, '\n');
                if (next)
                        *next++ = 0;
                text_clip(line, width);
                n = strlen(line);
                memmove(to, line, n);
                to += n;
                if (next)
                        *to++ = '\n';
        }
        *to = 0;
}

/* Without a terminal that can be drawn on. */
static ExitCode run_text(Client *c, const Options *o) {
        DaemonData now = { 0 }, previous = { 0 };
        ExitCode code = EXIT_DONE;

        for (uint32_t i = 0; o->count == 0 || i < o->count; i++) {
                cleanup_free char *text = NULL;

                if (i > 0)
                        (void)poll(NULL, 0, (int)(o->interval_ns / 1000000));
                code = daemon_data_fetch(&now, c, o->max ?: TOP_PROCESSES, o->order);
                if (code != EXIT_DONE)
                        break;
                text = top_text(&now, previous.stats ? &previous : NULL);
                if (text && isatty(STDOUT_FILENO))
                        clip_lines(text, o->width);
                daemon_data_done(&previous);
                previous = now;
                now = (DaemonData) { 0 };
                if (!text || printf("%s%s", i ? "\n" : "", text) < 0 || fflush(stdout) != 0) {
                        code = EXIT_FAILED;
                        break;
                }
        }
        daemon_data_done(&previous);
        return code;
}

static int print_json_line(const DaemonData *d) {
        cleanup_json json_object *o = json_object_new_object();

        if (!o || json_object_object_add(o, "status", json_object_get(d->properties)) < 0 ||
            json_object_object_add(o, "stats", json_object_get(d->stats)) < 0 ||
            json_object_object_add(o, "nodes", json_object_get(d->nodes)) < 0 ||
            json_object_object_add(o, "jobs", json_object_get(d->jobs)) < 0 ||
            json_object_object_add(o, "processes", json_object_get(d->processes)) < 0)
                return -ENOMEM;
        puts(json_object_to_json_string_ext(o, JSON_C_TO_STRING_PLAIN |
                                                       JSON_C_TO_STRING_NOSLASHESCAPE));
        return fflush(stdout) == 0 ? 0 : -EIO;
}

static ExitCode run_json(Client *c, const Options *o) {
        ExitCode code = EXIT_DONE;

        for (uint32_t i = 0; code == EXIT_DONE && (o->count == 0 || i < o->count); i++) {
                DaemonData d = { 0 };

                if (i > 0)
                        (void)poll(NULL, 0, (int)(o->interval_ns / 1000000));
                code = daemon_data_fetch(&d, c, o->max ?: TOP_PROCESSES, o->order);
                if (code == EXIT_DONE && print_json_line(&d) < 0)
                        code = EXIT_FAILED;
                daemon_data_done(&d);
        }
        return code;
}

static bool terminal_can_redraw(void) {
        const char *term = getenv("TERM");

        return isatty(STDIN_FILENO) && isatty(STDOUT_FILENO) && term && *term &&
               strcmp(term, "dumb") != 0;
}

ExitCode verb_top(const Options *o) {
        cleanup(client_close) Client c = { 0 };
        SCREEN *screen;
        ExitCode code;

        code = client_open(&c);
        if (code != EXIT_DONE)
                return code;
        if (o->json)
                return run_json(&c, o);
        screen = terminal_can_redraw() ? newterm(NULL, stdout, stdin) : NULL;
        if (!screen)
                return run_text(&c, o);
        cbreak();
        noecho();
        curs_set(0);
        keypad(stdscr, TRUE);
        c.hold = true;
        code = run_screen(&c, o);
        endwin();
        delscreen(screen);
        if (code != EXIT_DONE)
                fputs(c.message, stderr);
        return code;
}
