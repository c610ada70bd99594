const plain = /^[\w@%+:,./-]+$/

/** A word of a command that a person may copy into a shell: quoted, if the shell would read it otherwise. */
export function shellWord(word: string): string {
  return plain.test(word) ? word : `'${word.replaceAll("'", String.raw`'\''`)}'`
}
