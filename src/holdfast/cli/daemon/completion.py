"""`holdfast completion`."""

from typing import Annotated, Literal

from cyclopts import Parameter


def run(shell: Annotated[Literal["bash", "zsh", "fish"], Parameter(metavar="SHELL")], /) -> None:
    """Print the completion script of a shell: commands, options, names of pools and volumes, ids of operations.

    Example: holdfast completion bash >/etc/bash_completion.d/holdfast
    Example: holdfast completion zsh >/usr/local/share/zsh/site-functions/_holdfast
    Example: holdfast completion fish >/etc/fish/completions/holdfast.fish

    Parameters
    ----------
    shell
        Whose.
    """
    from holdfast.cli.main import app

    script = app.generate_completion(prog_name="holdfast", shell=shell)
    # zsh loads a completion from the file that bears its function's name, which is to be the customary one.
    print(script.replace("_cyclopts_holdfast", "_holdfast") if shell == "zsh" else script)
