/** Prints how scenarios went, and gives them back. */
export function report(title, results) {
  for (const { name, error } of results) {
    console.log(`${error === undefined ? 'ok  ' : 'FAIL'} ${title}: ${name}${error === undefined ? '' : `\n${error}`}`)
  }
  return results
}
