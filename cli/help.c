/* What --help prints, from the option tables: at most 80 columns. */
#include <stdio.h>
#include <string.h>

#include "cli/cli.h"

enum { WIDTH = 80, TEXT = 26 }; /* columns of a line; where the text of an option begins */

/* Prints a text from column `at` on, in lines that begin at `column`: broken at blanks, behind a | and at newlines. */
static void print_wrapped(const char *text, size_t at, size_t column) {
  while (*text) {
    size_t room = WIDTH - at;
    size_t n = strcspn(text, "\n");
    if (n > room) {
      n = room;
      while (n > 0 && text[n] != ' ' && text[n - 1] != '|') n--;
      if (n == 0) n = room;
    }
    (void)printf("%.*s\n", (int)n, text);
    text += n;
    while (*text == ' ' || *text == '\n') text++;
    if (*text) (void)printf("%*s", (int)column, "");
    at = column;
  }
}

static void print_option(const cli_option *o) {
  char left[160];
  (void)snprintf(left, sizeof left, "%s%c%s--%s%s%s", o->letter ? "-" : " ", o->letter ? o->letter : ' ',
                 o->letter ? ", " : "  ", o->name, o->value ? " " : "", o->value ? o->value : "");
  if (strlen(left) + 4 <= TEXT) {
    (void)printf("  %-*s", TEXT - 2, left);
  } else {
    (void)printf("  ");
    print_wrapped(left, 2, strlen(o->name) + 9); /* the choices of a long list stand below each other */
    (void)printf("%*s", TEXT, "");
  }
  print_wrapped(o->help, TEXT, TEXT);
}

static void print_table(const char *title, const cli_option *table) {
  if (!table || !table->name) return;
  (void)printf("\n%s:\n", title);
  for (const cli_option *o = table; o->name; o++) print_option(o);
}

void cli_help(const cli_usage *usage, const cli_option *own, const cli_option *shared) {
  (void)printf("usage: chronos2 %s [options]%s%s\n\n", usage->command, *usage->arguments ? " " : "", usage->arguments);
  print_wrapped(usage->summary, 0, 0);
  print_table("Options", own);
  print_table("Model and engine", shared);
  (void)printf("\n");
  print_option(&(cli_option){.name = "help", .letter = 'h', .help = "Print this text."});
  if (!usage->examples) return;
  (void)printf("\nExamples:\n");
  bool command = false;
  for (const char *line = usage->examples; *line; command = !command) {
    size_t n = strcspn(line, "\n");
    (void)printf("%s%.*s\n", command ? "    " : "  ", (int)n, line);
    line += n + (line[n] == '\n');
  }
}

static void print_commands(FILE *out, bool developer) {
  for (const cli_command *c = cli_commands; c->name; c++) {
    if (c->developer == developer) (void)fprintf(out, "  %-10s %s\n", c->name, c->summary);
  }
}

void cli_help_program(FILE *out) {
  (void)fprintf(out, "usage: chronos2 COMMAND [options]\n\nTime-series forecasting with Chronos-2 models.\n\n"
                     "Commands:\n");
  print_commands(out, false);
  (void)fprintf(out, "\nCommands for developers:\n");
  print_commands(out, true);
  (void)fprintf(out, "\n'chronos2 COMMAND --help' documents every option; 'chronos2 --version' prints the version.\n");
}
