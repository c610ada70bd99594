/** Puts the command's flags for the options of the library. */
export function inFlags(text: string): string {
  return [
    ['pass force: true', 'pass --force'],
    ['`force: true`', '--force'],
    ['`force`', '--force'],
    ['`whenUnused` is set', '--when-unused is set'],
    ['with `rotate`', 'with `finchat-secrets rotate`'],
  ].reduce((shown, [option = '', flag = '']) => shown.replaceAll(option, flag), text)
}

export function timeOf(epochMs: number | undefined): string | undefined {
  return epochMs === undefined ? undefined : new Date(epochMs).toISOString()
}
