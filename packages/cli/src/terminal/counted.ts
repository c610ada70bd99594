/** Such as `1 secret` and `2 secrets`. `several` is for words that take more than an `s`. */
export function counted(count: number, one: string, several = `${one}s`): string {
  return `${count} ${count === 1 ? one : several}`
}
