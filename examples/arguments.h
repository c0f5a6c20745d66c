/* How the examples read their arguments: `--name VALUE`, and HOST:PORT. */
#ifndef EXAMPLES_ARGUMENTS_H
#define EXAMPLES_ARGUMENTS_H

#include <ouro/ouro.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What may stand among the arguments as `--name VALUE`. */
struct argument {
    const char *name;
    const char **value; /* what it is, if it does not stand there */
};

/* Say what the arguments may be, and end the program, which does not know what
 * to do with `word`, or was asked for this by it. */
_Noreturn static inline void
stop_with_usage(const char *path, const struct argument *known,
                const char *word)
{
    bool help = strcmp(word, "-h") == 0 || strcmp(word, "--help") == 0;
    FILE *out = help ? stdout : stderr;
    const char *slash = strrchr(path, '/');

    if (!help)
        fprintf(out, "'%s' is not known, or has no value\n", word);
    fprintf(out, "usage: %s", slash != NULL ? slash + 1 : path);
    for (; known->name != NULL; known++)
        fprintf(out, " [%s %s]", known->name, *known->value);
    fprintf(out, "\n");
    exit(help ? 0 : 2);
}

/* Read the arguments, which are of the `known`, up to one without a name. */
static inline void
read_arguments(int argc, char **argv, const struct argument *known)
{
    for (int i = 1; i < argc; i += 2) {
        const struct argument *argument = known;

        while (argument->name != NULL && strcmp(argument->name, argv[i]) != 0)
            argument++;
        if (argument->name == NULL || i + 1 == argc)
            stop_with_usage(argv[0], known, argv[i]);
        *argument->value = argv[i + 1];
    }
}

/* Those of a server, which says in `where` what they are without. */
static inline void
read_server_arguments(int argc, char **argv, struct ouro_server_options *where)
{
    const struct argument known[] = {
        {"--host", &where->host}, {"--port", &where->service}, {NULL, NULL}};

    read_arguments(argc, argv, known);
}

/* HOST:PORT, cut in two at its last colon.  Stops the program without one. */
static inline struct ouro_connect_options
target_of(char *host_and_port)
{
    char *colon = strrchr(host_and_port, ':');

    if (colon == NULL) {
        fprintf(stderr, "'%s' is not HOST:PORT\n", host_and_port);
        exit(2);
    }
    *colon = '\0';
    return (struct ouro_connect_options){
        .host = host_and_port,
        .service = colon + 1,
    };
}

#endif
