import type { Terminal } from '../terminal/terminal.ts'

/** One line that is written over, on a terminal only. */
export function progressOn({ stderr }: Terminal): { readonly show: (text: string) => void; readonly end: () => void } {
  const isShown = stderr.isTTY === true
  return {
    show: (text) => void (isShown && stderr.write(`\r\u001b[K${text}`)),
    end: () => void (isShown && stderr.write('\r\u001b[K')),
  }
}
