import { configurationError } from '@finchat/secrets-core/provider'
import type { Terminal } from '../terminal/terminal.ts'

/** Writes a key, which cannot be had again, to stdout. Throws if its reader is gone. */
export async function writeKey(text: string, { stdout }: Pick<Terminal, 'stdout'>, remedy: string): Promise<void> {
  const error = await new Promise<unknown>((resolve) => stdout.write(text, resolve))
  if (error) throw configurationError('the key could not be written, and is lost', remedy)
}
