import type { Environment } from '@finchat/secrets-core'

/** With npx in front of each command: who ran the program by npx has none of its name on the `PATH`. */
export function asCalled(text: string, { npm_lifecycle_event: script }: Environment): string {
  return script === 'npx' ? text.replaceAll(/(?<![\w./-])(?<!npx --no )finchat-secrets (?=[a-z-])/g, 'npx --no finchat-secrets ') : text
}
