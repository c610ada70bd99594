/** The descriptor that the child inherits: a socket, which no other process opens through /proc. */
export const pipeDescriptor = 3

/** Says to a Node.js program that the pipe is there. */
export const pipeVariable = 'FINCHAT_SEALED_PIPE'
