import type { Terminal } from './terminal.ts'
import { visible } from './visible.ts'

const frames = ['⠋', '⠙', '⠹', '⠸', '⠼', '⠴', '⠦', '⠧', '⠇', '⠏']
const frameMs = 80
const eraseLine = '\r\u001b[K'

/** Shows on a terminal that work goes on. Returns the function that takes it away. */
export function showSpinner({ stderr, env }: Terminal, text: string): () => void {
  if (stderr.isTTY !== true || env['TERM'] === 'dumb') return () => {}
  let turn = 0
  const draw = (): void => void stderr.write(`${eraseLine}${frames[turn++ % frames.length]} ${visible(text)}`)
  draw()
  const timer = setInterval(draw, frameMs)
  return () => {
    clearInterval(timer)
    stderr.write(eraseLine)
  }
}
