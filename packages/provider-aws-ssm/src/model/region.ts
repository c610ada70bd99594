/** The shape of region names in all partitions (AWS's `partitions.json`), such as `eu-west-1`. */
export function isRegion(text: string): boolean {
  return /^[a-z]{2,4}(-[a-z]{2,12}){1,2}-\d{1,2}$/.test(text)
}
