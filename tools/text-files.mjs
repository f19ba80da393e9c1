/** File name endings whose content is imported as text, by the bundler and by the tests alike. */
export const textFileEndings = ['.sh', '.py', '.html', '.css', '.txt', '.toml', '.md'];
