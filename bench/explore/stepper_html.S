/* stepper_html.S -- the page that stepper.c fills, as a string in the program. */
        .section .rodata
        .globl  stepper_html
stepper_html:
        .incbin "bench/explore/stepper.html"
        .byte   0
        .section .note.GNU-stack,"",%progbits
